import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { store } from '../fixtures/store.js'
import { fill } from './fill.js'
import { startCaller, type PacedCaller, type Seen } from './paced-caller.js'

/** How an upgrade gets its state. */
export type Shape = 'twin' | 'entries' | 'whole'

export const switchUnits = {
  'worst call': 'ms',
  p99: 'ms',
  p50: 'ms',
  pause: 'ms',
  errors: '',
  'calls/s': '',
  took: 's'
} as const
export type SwitchSample = Record<keyof typeof switchUnits, number>

/** One peer with a state of some size, and somebody who calls it. */
export interface StorePeer {
  /** Nothing happens, for comparison. */
  rest(): Promise<SwitchSample>
  /** From the publication to the future simulation object in service. */
  introduce(shape: Shape): Promise<SwitchSample>
  /** From the operator's word to the commit. */
  upgrade(): Promise<SwitchSample>
  /** Ctrl-C and a new start, with nobody calling: what an upgrade without Instar would cost at least. */
  restart(): Promise<number>
  stop(): Promise<void>
}

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url))
const restMs = 2000
/** What comes right after an event belongs to it. */
const afterMs = 500
const deadlineMs = 60_000

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
    calls.seen()
    const measured = async (event: () => Promise<unknown>): Promise<SwitchSample> => {
      signal.throwIfAborted()
      calls.seen()
      const startedMs = performance.now()
      await event()
      const took = (performance.now() - startedMs) / 1000
      await wait(afterMs, undefined, { signal })
      return toSample(calls.seen(), pauseOf(await peer.status()), took)
    }
    return {
      stop,
      rest: () => measured(() => wait(restMs)),
      introduce: shape => measured(() => introduce(network, peer, shape)),
      upgrade: () =>
        measured(async () => {
          await peer.control.approve(2)
          await peer.until('has committed version 2', ({ floor }) => floor === 2, 3_600_000)
        }),
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

async function introduce(network: LocalNetwork, peer: LocalPeer, shape: Shape): Promise<void> {
  await network.upgrade(peer, {
    modules: [fixture(`store-${shape}`)],
    schedule: 'manual',
    probation: '0s',
    stable: '0s',
    retireAfter: '1h'
  })
  await peer.until('serves version 2', ({ served }) => served?.[1] === 2, 3_600_000)
}

function toSample({ worst, p99, p50, errors, rate }: Seen, pause: number, took: number): SwitchSample {
  return { 'worst call': worst, p99, p50, pause, errors, 'calls/s': rate, took }
}

/** How long calls were queued in the last switch, as the peer measured it. */
function pauseOf({ versions }: Awaited<ReturnType<LocalPeer['status']>>): number {
  return versions.findLast(each => each.lastPauseMs !== undefined)?.lastPauseMs ?? 0
}
