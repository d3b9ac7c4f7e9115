import { setTimeout as pause } from 'node:timers/promises'
import { colours, type Colour } from '../int-set/contracts.js'
import type { Caller } from './callers.js'
import { judge, type Operation } from './model.js'
import type { PlainSet } from './plain-set.js'

/** A peer as its clients see it. */
interface CalledPeer {
  readonly name: string
  readonly set: PlainSet
  /** Whether it may still run version 1; once this says no, version 2 must not refuse anything there. */
  readonly mayRunVersion1: () => boolean
}

interface CallCounts {
  calls: number
  refused: number
  givenUp: number
  wrong: number
  /** The longest time that one answered call took, per peer. */
  readonly longestMs: Map<string, number>
}

export interface CallError {
  readonly peer: string
  readonly client: 1 | 2
  readonly why: string
}

/** Keeps calling every peer it is given, several calls at a time at each, and checks every answer. */
export interface DemoClient {
  readonly version: 1 | 2
  readonly counts: Readonly<CallCounts>
  readonly callsUnderWay: number
  /** Begins to call a peer, and does so until `stop`. */
  addPeer(peer: CalledPeer, call: Caller): void
  /** Makes no new calls; resolves when those under way are answered. */
  stop(): Promise<void>
}

export interface DemoClientInit {
  readonly version: 1 | 2
  readonly lanesPerPeer: number
  /** Between two calls of a lane, so that the demo leaves the machine some room. */
  readonly pauseMs: number
  readonly onError: (error: CallError) => void
  /** In [0, 1). */
  readonly random: () => number
  readonly now: () => number
}

export function createDemoClient(init: DemoClientInit): DemoClient {
  const { version, random, now } = init
  const counts: CallCounts = { calls: 0, refused: 0, givenUp: 0, wrong: 0, longestMs: new Map() }
  const lanes: Promise<void>[] = []
  let callsUnderWay = 0
  let stopped = false

  async function runLane(peer: CalledPeer, call: Caller): Promise<void> {
    while (!stopped) {
      const operation = chooseOperation(version, peer.set, random)
      if (peer.set.tryTake(operation.x)) {
        await makeCall(peer, call, operation)
        peer.set.release(operation.x)
      }
      await pause(init.pauseMs)
    }
  }

  async function makeCall(peer: CalledPeer, call: Caller, operation: Operation): Promise<void> {
    const { name, set } = peer
    const { x } = operation
    // Asked before the call: a peer that is past version 1 now stays so.
    const mayRefuse = peer.mayRunVersion1()
    const startedMs = now()
    callsUnderWay++
    const answer = await call(operation)
    callsUnderWay--
    counts.calls++
    counts.longestMs.set(name, Math.max(counts.longestMs.get(name) ?? 0, now() - startedMs))
    const judgement = judge(operation, set.colourOf(x), answer, mayRefuse)
    switch (judgement.verdict) {
      case 'refused':
        counts.refused++
        break
      case 'right':
        set.set(x, judgement.after)
        break
      case 'wrong':
      case 'givenUp':
        counts[judgement.verdict]++
        set.taint(x)
        init.onError({ peer: name, client: version, why: judgement.why })
    }
  }

  return {
    version,
    counts,
    get callsUnderWay() {
      return callsUnderWay
    },
    addPeer(peer, call) {
      for (let i = 0; i < init.lanesPerPeer; i++) lanes.push(runLane(peer, call))
    },
    async stop() {
      stopped = true
      await Promise.all(lanes)
    }
  }
}

/** Most calls are about few elements, so that the two versions meet at them all the time. */
const hotElements = 200
const hotShare = 0.7

function chooseOperation(version: 1 | 2, { span }: Pick<PlainSet, 'span'>, random: () => number): Operation {
  const x = Math.floor(random() * (random() < hotShare ? Math.min(hotElements, span) : span))
  const dice = random()
  if (version === 1) {
    if (dice < 0.35) return { version, method: 'insert', x }
    return { version, method: dice < 0.6 ? 'delete' : 'contains', x }
  }
  if (dice < 0.35) return { version, method: 'insertColor', x, colour: anyColour(random) }
  if (dice < 0.7) return { version, method: 'getColor', x }
  return { version, method: dice < 0.85 ? 'delete' : 'contains', x }
}

function anyColour(random: () => number): Colour {
  return colours[Math.floor(random() * colours.length)] ?? 'blue'
}
