import { setTimeout as wait } from 'node:timers/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { store } from '../fixtures/store.js'
import { fill } from './fill.js'
import { startCaller, type Mark, type PacedCaller } from './paced-caller.js'

/** How an upgrade gets its state. */
export type Shape = 'twin' | 'entries' | 'whole'

export const switchUnits = {
  'worst call': 'ms',
  p99: 'ms',
  p50: 'ms',
  pause: 'ms',
  errors: '',
  'calls/s': '',
  /** Calls a second, as a share of what the same peer answers while nothing happens. */
  kept: '',
  took: 's'
} as const
export type SwitchSample = Record<keyof typeof switchUnits, number>

interface EventSample {
  readonly whole: SwitchSample
  /** While the new state was being built beside calls; absent where none was, or where that was over too soon to be seen. */
  readonly building?: SwitchSample
}

/** One peer with a state of some size, and somebody who calls it. */
export interface StorePeer {
  /** Nothing happens, for comparison. */
  rest(): Promise<SwitchSample>
  /** From the publication to the future simulation object in service. */
  introduce(shape: Shape): Promise<EventSample>
  /** From the operator's word to the new version on trial. */
  upgrade(): Promise<EventSample>
  /** From a signed halt to the version of before: of an upgrade that left a way back. */
  goBack(): Promise<SwitchSample>
  /** Ctrl-C and a new start, with nobody calling: what an upgrade without Instar would cost at least. */
  restart(): Promise<number>
  stop(): Promise<void>
}

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url))
/** A shorter look at a peer with nothing to do tells little: the next one may be a third off. */
const restMs = 10_000
/** What comes right after an event belongs to it. */
const afterMs = 500
const lookEveryMs = 50
const deadlineMs = 60_000
const hourMs = 3_600_000

type Status = Awaited<ReturnType<LocalPeer['status']>>
type Phase = Status['versions'][number]['phase']

/** @param pace calls a second, half of them commands; `Infinity`: as fast as 64 callers get answers */
export async function startStorePeer(init: {
  readonly bytes: number
  readonly pace: number
  readonly signal: AbortSignal
}): Promise<StorePeer> {
  const { bytes, pace, signal } = init
  const network = await createLocalNetwork({ classes: [fixture('store')] })
  let caller: PacedCaller | undefined
  const stop = async (): Promise<void> => {
    await caller?.stop()
    await network.stop()
  }
  try {
    const [peer] = (await network.startPeers(['store'])) as [LocalPeer]
    const object = (await network.client()).object(store, peer.id, { version: 1, deadlineMs })
    const entries = await fill(object, bytes, signal)
    caller = startCaller(pace, i =>
      i % 2 === 0 ? object.write((i * 7919) % entries, i) : object.read((i * 31) % entries)
    )
    const calls = caller
    await wait(restMs, undefined, { signal })
    let restRate = NaN
    const sampleOf = (pause: number, from: Mark, to: Mark, ended = to): SwitchSample => {
      const { worst, p99, p50, errors, rate } = calls.seen(from, to)
      if (Number.isNaN(restRate)) restRate = rate
      const took = (ended.atMs - from.atMs) / 1000
      return { 'worst call': worst, p99, p50, pause, errors, 'calls/s': rate, kept: rate / restRate, took }
    }
    const measured = async (event: () => Promise<unknown>): Promise<EventSample> => {
      signal.throwIfAborted()
      const from = calls.mark()
      const over = new AbortController()
      const watching = watchBuilding(peer, () => calls.mark(), over.signal)
      // Awaited below; the event that fails says more.
      watching.catch(() => {})
      await event().finally(() => over.abort())
      const ended = calls.mark()
      await wait(afterMs, undefined, { signal })
      const whole = sampleOf(pauseOf(await peer.status()), from, calls.mark(), ended)
      const built = await watching
      return { whole, ...(built === undefined ? {} : { building: sampleOf(NaN, built.from, built.to) }) }
    }
    return {
      stop,
      rest: async () => (await measured(() => wait(restMs))).whole,
      introduce: shape => measured(() => introduce(network, peer, shape)),
      upgrade: () =>
        measured(async () => {
          await peer.control.approve(2)
          await peer.until('has version 2 on trial', phaseIs('trial'), hourMs)
        }),
      async goBack() {
        const { whole } = await measured(async () => {
          await halt(network, peer)
          await peer.until('has gone back to version 1', phaseIs('wentBack'), hourMs)
        })
        return whole
      },
      async restart() {
        await calls.stop()
        const startedMs = performance.now()
        await peer.stop()
        await peer.start()
        await peer.until('serves again', ({ served }) => served !== undefined)
        return performance.now() - startedMs
      }
    }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** When a state was being built beside calls, as far as the peer was asked in time. */
async function watchBuilding(
  peer: LocalPeer,
  mark: () => Mark,
  over: AbortSignal
): Promise<{ from: Mark; to: Mark } | undefined> {
  let from: Mark | undefined
  let to: Mark | undefined
  while (!over.aborted) {
    if (isBuilding(await peer.status())) from ??= mark()
    else if (from !== undefined) to ??= mark()
    await wait(lookEveryMs)
  }
  return from === undefined ? undefined : { from, to: to ?? mark() }
}

function isBuilding({ versions }: Status): boolean {
  return versions.some(({ progress }) => progress?.stage === 'building')
}

async function introduce(network: LocalNetwork, peer: LocalPeer, shape: Shape): Promise<void> {
  await network.upgrade(peer, {
    modules: [fixture(`store-${shape}`)],
    schedule: 'manual',
    // A twin always leads back exactly.
    ...(shape === 'twin' ? {} : { back: 'copy' as const }),
    probation: '0s',
    stable: '1h',
    retireAfter: '1h'
  })
  await peer.until('serves version 2', ({ served }) => served?.[1] === 2, hourMs)
}

async function halt(network: LocalNetwork, peer: LocalPeer): Promise<void> {
  const { code, err } = await runInstar([
    ...['halt', '2', '--reason', 'the bench wants it back', '--yes', '--keys', network.keysDirectory],
    ...['--data', peer.dataDirectory, '-o', join(network.directory, 'halt.json'), '--wait', '0s']
  ])
  if (code !== 0) throw new Error(`the halt of version 2 could not be published: ${err}`)
}

function phaseIs(phase: Phase): (status: Status) => boolean {
  return ({ versions }) => versions.some(each => each.version === 2 && each.phase === phase)
}

/** How long calls were queued in the last switch, as the peer measured it. */
function pauseOf({ versions }: Status): number {
  return versions.findLast(each => each.lastPauseMs !== undefined)?.lastPauseMs ?? 0
}
