import { CallError, messageOf } from '@instar/core'
import type { Cancellation, Channel } from '@instar/rpc'
import type { HealthWatch } from '../health/health-watch.js'
import { createCallQueue, type HoldLimits, type PendingCall } from './call-queue.js'
import type { HostCallHeader } from './host-port.js'

/**
 * The gate between the peer's router and its host. It is *open* to one host, *holding* while hosts change (calls queue), or
 * *down* (calls are refused with a time to retry). No call is lost in a change of state: it is answered by a host, or its
 * error says truly whether it may have run.
 *
 * A call that a host gave back untouched, or that was in a session when its host ended, is sent to the next host, once: the
 * session table makes that safe (§12), and once is enough for every orderly switch while it keeps a call that kills its host
 * from killing all that follow.
 */
export interface CallGate {
  call(header: HostCallHeader, body: Uint8Array, signal: Cancellation): Promise<Uint8Array>
  /** From now on calls are held. */
  hold(): void
  /** Sends the held calls to this host, in order, and everything after them. */
  open(host: HostChannel): void
  /** No host serves and none is about to: held calls stay as long as they may, new ones are refused. */
  down(): void
  /**
   * This host's process has ended. Until now it was not known what became of the calls that it had; those that it is guilty of having
   * been brought down by are answered with that, the others as the class comment says.
   */
  ended(host: HostChannel, isGuilty: (call: HostCallHeader) => boolean, cause: string): void
  /** Methods of calls that this host had and did not answer, or not in time although it has answered nothing since; each once. */
  underWay(host: HostChannel): readonly HostCallHeader[]
  /** The one caller of all calls of that kind which this host had, or had not answered in time; undefined: there are none, or several. */
  onlyCaller(host: HostChannel, isOne: (call: HostCallHeader) => boolean): string | undefined
  /** Refuses everything, for good. */
  close(): void
  readonly state: 'open' | 'holding' | 'down' | 'closed'
  counters(): CallCounters
}

export type HostChannel = Pick<Channel, 'request'>

interface CallCounters {
  readonly running: number
  readonly total: number
  /** Calls whose host ended or stopped them before they were done. */
  readonly cut: number
  readonly resent: number
  readonly held: number
  readonly heldBytes: number
  readonly heldTotal: number
  readonly refused: number
}

export interface CallGateInit {
  readonly limits: HoldLimits
  readonly now: () => number
  /** What a refused caller is told. */
  readonly retryAfterMs: number
  /** A host had this call, and it came to this error. */
  readonly onFailed?: (header: HostCallHeader, error: CallError, elapsedMs: number) => void
  /** Counts what callers meet with (§15). */
  readonly health?: Pick<HealthWatch, 'accountOf' | 'answered'> | undefined
}

const sendsMax = 2

interface Waiting extends PendingCall {
  readonly resolve: (result: Uint8Array) => void
  readonly reject: (error: CallError) => void
}

/** What a host leaves behind when it ends. */
interface Estate {
  /** Calls that it had, and that wait to hear why it ended. */
  readonly orphans: Array<{ readonly call: Waiting; readonly error: CallError }>
  /** Calls that passed their deadline there since it answered last: it may be busy with them still. */
  readonly overrun: HostCallHeader[]
  verdict: { readonly isGuilty: (call: HostCallHeader) => boolean; readonly cause: string } | undefined
}

const overrunMax = 64

export function createCallGate({ limits, now, retryAfterMs, onFailed, health }: CallGateInit): CallGate {
  const queue = createCallQueue(limits, now, expired)
  let state: CallGate['state'] = 'down'
  let host: HostChannel | undefined
  let order = 0
  let running = 0
  const count = { total: 0, cut: 0, resent: 0, held: 0, refused: 0 }
  const estates = new WeakMap<HostChannel, Estate>()

  function estateOf(host: HostChannel): Estate {
    let estate = estates.get(host)
    if (estate === undefined) {
      estate = { orphans: [], overrun: [], verdict: undefined }
      estates.set(host, estate)
    }
    return estate
  }

  function upgrading(call: PendingCall, message: string): CallError {
    return new CallError('Upgrading', { message, executed: call.executed, retryAfterMs })
  }

  function expired(call: PendingCall, why: 'age' | 'deadline' | 'cancelled'): void {
    const { executed, header } = call
    const waiting = call as Waiting
    if (why === 'age')
      waiting.reject(upgrading(call, `${header.className}.${header.method} was held for ${limits.ageMaxMs} ms`))
    else
      waiting.reject(
        new CallError('DeadlineExceeded', {
          message: `${header.className}.${header.method} was held while its ${why === 'deadline' ? 'deadline passed' : 'caller went away'}`,
          executed
        })
      )
  }

  function holdOrRefuse(call: Waiting): void {
    if (call.signal.aborted) {
      expired(call, 'cancelled')
    } else if (queue.hold(call)) {
      count.held++
    } else {
      count.refused++
      call.reject(upgrading(call, 'the peer is switching versions and holds as many calls as it may'))
    }
  }

  function accept(call: Waiting): void {
    if (state === 'open' && host !== undefined) {
      send(call, host)
    } else if (state === 'holding') {
      holdOrRefuse(call)
    } else {
      count.refused++
      call.reject(upgrading(call, 'no host serves at this peer at the moment'))
    }
  }

  function send(call: Waiting, to: HostChannel): void {
    const delayMs = now() - call.arrivedAt
    const remainingMs = call.header.remainingMs - delayMs
    if (remainingMs < 1) {
      expired(call, 'deadline')
      return
    }
    running++
    const sentAt = call.arrivedAt + delayMs
    const estate = estateOf(to)
    if (call.sends++ > 0) count.resent++
    // Most calls are not held, and a header that stays as it is need not be copied.
    const header = delayMs < 1 ? call.header : { ...call.header, remainingMs }
    const account = health?.accountOf(header)
    to.request(header, call.body, { signal: call.signal }).then(
      result => {
        running--
        if (estate.overrun.length > 0) estate.overrun.length = 0
        if (account !== undefined) health?.answered(account)
        call.resolve(result)
      },
      (thrown: unknown) => {
        running--
        const error = toCallError(thrown)
        if (account !== undefined) health?.answered(account, error.code)
        failed(call, to, error, now() - sentAt)
      }
    )
  }

  function failed(call: Waiting, from: HostChannel, error: CallError, elapsedMs: number): void {
    if (error.code === 'Unreachable') {
      // The socket tells of a host's end before the process does: nothing may be sent there any more.
      if (state === 'open' && host === from) down()
      const { orphans, verdict } = estateOf(from)
      if (verdict === undefined) orphans.push({ call, error })
      else lost(call, from, error, verdict)
      return
    }
    onFailed?.(call.header, error, elapsedMs)
    if (error.code === 'Upgrading') {
      interrupted(call, from, error)
      return
    }
    if (error.code === 'DeadlineExceeded') {
      const { overrun } = estateOf(from)
      if (overrun.length < overrunMax) overrun.push(call.header)
    }
    call.reject(error)
  }

  function lost(call: Waiting, from: HostChannel, error: CallError, verdict: NonNullable<Estate['verdict']>): void {
    if (!verdict.isGuilty(call.header)) {
      interrupted(call, from, error)
      return
    }
    const { className, method } = call.header
    const message = `${className}.${method} brought its host down: ${verdict.cause}`
    call.reject(new CallError('OutOfContract', { message, executed: 'unknown' }))
  }

  /** Its host ended under it, or gave it back. */
  function interrupted(call: Waiting, from: HostChannel, error: CallError): void {
    const hostEnded = error.code === 'Unreachable'
    if (error.detail.executed === 'unknown') {
      call.executed = 'unknown'
      count.cut++
    }
    const changing = state === 'holding' || (state === 'open' && host !== from)
    const untouched = error.detail.executed === 'no' && call.executed === 'no'
    const repeatable = untouched || call.header.session !== undefined
    if (call.sends < sendsMax && repeatable && (changing || (hostEnded && state === 'down'))) {
      if (state === 'open' && host !== undefined) send(call, host)
      else holdOrRefuse(call)
    } else {
      call.reject(hostEnded ? upgrading(call, 'the host ended while the call was running') : withRetryTime(error))
    }
  }

  function withRetryTime(error: CallError): CallError {
    if (error.detail.retryAfterMs !== undefined) return error
    return new CallError(error.code, { ...error.detail, retryAfterMs })
  }

  function down(): void {
    if (state === 'closed') return
    state = 'down'
    host = undefined
  }

  return {
    call(header, body, signal) {
      count.total++
      return new Promise((resolve, reject) =>
        accept({
          order: ++order,
          header,
          body,
          signal,
          arrivedAt: now(),
          sends: 0,
          executed: 'no',
          resolve,
          reject
        })
      )
    },
    hold() {
      if (state !== 'closed') state = 'holding'
    },
    open(next) {
      if (state === 'closed') return
      state = 'open'
      host = next
      for (let call = queue.take(); call !== undefined; call = queue.take()) send(call as Waiting, next)
    },
    down,
    ended(from, isGuilty, cause) {
      const estate = estateOf(from)
      estate.verdict = { isGuilty, cause }
      for (const { call, error } of estate.orphans.splice(0)) lost(call, from, error, estate.verdict)
    },
    underWay(from) {
      const { orphans, overrun } = estateOf(from)
      const each = new Map<string, HostCallHeader>()
      for (const header of [...orphans.map(({ call }) => call.header), ...overrun])
        each.set(`${header.revision} ${header.method}`, header)
      return [...each.values()]
    },
    onlyCaller(from, isOne) {
      const { orphans, overrun } = estateOf(from)
      const headers = [...orphans.map(({ call }) => call.header), ...overrun].filter(isOne)
      const callers = new Set(headers.map(each => (each.isProbe === true ? undefined : each.caller)))
      return callers.size === 1 ? [...callers][0] : undefined
    },
    close() {
      down()
      state = 'closed'
      for (const call of queue.clear()) (call as Waiting).reject(upgrading(call, 'the peer is stopping'))
    },
    get state() {
      return state
    },
    counters: () => ({
      running,
      total: count.total,
      cut: count.cut,
      resent: count.resent,
      held: queue.calls,
      heldBytes: queue.bytes,
      heldTotal: count.held,
      refused: count.refused
    })
  }
}

function toCallError(thrown: unknown): CallError {
  if (thrown instanceof CallError) return thrown
  return new CallError('Failed', { message: messageOf(thrown), executed: 'unknown' })
}
