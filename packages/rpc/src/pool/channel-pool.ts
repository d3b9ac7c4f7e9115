import { CallError, messageOf } from '@instar/core'
import type { Greeted } from '../hello/greet.js'

export interface ChannelPoolInit {
  /** Opens a stream to the peer and greets. Whatever it throws makes the callers' calls `Unreachable`, and is their `cause`. */
  readonly open: (peer: string, signal: AbortSignal) => Promise<Greeted>
  readonly openTimeoutMs?: number
}

/** The channels of this process, one per other peer, whoever opened it; if both opened at once, either is used. */
export interface ChannelPool {
  /**
   * A live channel, opened on demand; concurrent callers share one attempt. One caller waits at most `withinMs` for it, which goes on for the others: a peer that takes the connection and
   * says nothing costs a caller its own deadline, and not the longer one of a greeting.
   *
   * @throws CallError Unreachable or DeadlineExceeded, not executed
   */
  get(peer: string, options?: { signal?: AbortSignal; withinMs?: number }): Promise<Greeted>
  /** A live channel if there is one. */
  peek(peer: string): Greeted | undefined
  /** Takes in a channel that the other end opened. */
  add(peer: string, greeted: Greeted): void
  peers(): readonly string[]
  /** All live channels. */
  all(): readonly Greeted[]
  close(): Promise<void>
}

export function createChannelPool(init: ChannelPoolInit): ChannelPool {
  const channels = new Map<string, Set<Greeted>>()
  const opening = new Map<string, Promise<Greeted>>()
  const stopping = new AbortController()

  function peek(peer: string): Greeted | undefined {
    for (const greeted of channels.get(peer) ?? []) if (greeted.channel.open) return greeted
    return undefined
  }

  function add(peer: string, greeted: Greeted): void {
    const ofPeer = channels.get(peer) ?? new Set()
    channels.set(peer, ofPeer)
    ofPeer.add(greeted)
    void greeted.channel.closed.then(() => {
      ofPeer.delete(greeted)
      if (ofPeer.size === 0 && channels.get(peer) === ofPeer) channels.delete(peer)
    })
  }

  /** Belongs to all who wait for it, so no single caller's signal ends it. */
  async function open(peer: string): Promise<Greeted> {
    try {
      const greeted = await inTime(signal => init.open(peer, signal), init.openTimeoutMs ?? 10_000, stopping.signal)
      add(peer, greeted)
      return greeted
    } catch (thrown) {
      const error = new CallError('Unreachable', { message: `${peer} cannot be reached: ${messageOf(thrown)}` })
      error.cause = thrown
      throw error
    }
  }

  function openOnce(peer: string): Promise<Greeted> {
    const underWay = opening.get(peer)
    if (underWay !== undefined) return underWay
    const attempt = open(peer).finally(() => opening.delete(peer))
    opening.set(peer, attempt)
    return attempt
  }

  return {
    peek,
    add,
    async get(peer, { signal, withinMs } = {}) {
      const live = peek(peer)
      if (live !== undefined) return live
      if (stopping.signal.aborted) throw new CallError('Unreachable', { message: 'this process is stopping' })
      const attempt = openOnce(peer)
      const limit = limitOf(signal, withinMs)
      return limit === undefined ? attempt : unlessAborted(attempt, peer, limit)
    },
    peers: () => [...channels.keys()].filter(peer => peek(peer) !== undefined),
    all: () => [...channels.values()].flatMap(ofPeer => [...ofPeer].filter(greeted => greeted.channel.open)),
    async close() {
      stopping.abort()
      const all = [...channels.values()].flatMap(ofPeer => [...ofPeer])
      await Promise.all(all.map(greeted => greeted.channel.close()))
    }
  }
}

/**
 * Settles by the end of its time whatever the work makes of its signal: all calls to a peer wait for this one attempt, so one dial that
 * never ends would hold them for ever. What arrives too late is closed.
 */
function inTime(
  work: (signal: AbortSignal) => Promise<Greeted>,
  timeoutMs: number,
  stop: AbortSignal
): Promise<Greeted> {
  const controller = new AbortController()
  return new Promise((resolve, reject) => {
    const end = (why: string): void => {
      finish()
      const error = new Error(why)
      controller.abort(error)
      reject(error)
    }
    const onStop = (): void => end('this process is stopping')
    const timer = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs)
    const finish = (): void => {
      clearTimeout(timer)
      stop.removeEventListener('abort', onStop)
    }
    stop.addEventListener('abort', onStop, { once: true })
    work(controller.signal).then(
      greeted => {
        if (controller.signal.aborted) greeted.channel.abort('it was opened too late')
        finish()
        resolve(greeted)
      },
      (thrown: unknown) => {
        finish()
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
      }
    )
  })
}

function limitOf(signal: AbortSignal | undefined, withinMs: number | undefined): AbortSignal | undefined {
  if (withinMs === undefined) return signal
  const timeout = AbortSignal.timeout(Math.max(0, Math.ceil(withinMs)))
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
}

function unlessAborted(attempt: Promise<Greeted>, peer: string, signal: AbortSignal): Promise<Greeted> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void =>
      reject(new CallError('DeadlineExceeded', { message: `the deadline passed while ${peer} was dialled` }))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    attempt.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
