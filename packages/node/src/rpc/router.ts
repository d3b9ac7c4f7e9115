import { CallError, messageOf, type Routes } from '@instar/core'
import type { CallHeader, Cancellation } from '@instar/rpc'
import type { HostPort } from '../host/host-port.js'
import type { CallOutcome } from '../metrics/call-tally.js'
import type { CallCounters } from './call-counters.js'
import { routeCall } from './route-call.js'
import { createThrottle } from './throttle.js'

export interface RouterInit {
  /** The table of this moment; asked for at every call, so it must be cheap. */
  readonly routes: () => Routes
  readonly host: Pick<HostPort, 'call'>
  readonly counters: CallCounters
  /** What every call came to, those included that were refused here. */
  readonly onOutcome?: (header: CallHeader, outcome: CallOutcome) => void
  /** The caller knows a version, or a history of one, that is not known here (R3, R20): pull from it. At most once a second per peer. */
  readonly onHigherVersion?: (peer: string, version: number) => void
  /** A caller used this version (§14); at most once a second per version. */
  readonly onUse?: (version: number) => void
  /** The same of every call, and whose it was. Cheap: it comes with each. */
  readonly onCaller?: (version: number, caller: string) => void
  /** What a caller is told that comes before a version is introduced. */
  readonly notYetRetryAfterMs?: number
  readonly now: () => number
}

interface RoutedCall {
  readonly signal: Cancellation
  readonly remainingMs: number
}

/** Answers one call of one caller, or passes it on to the host. @throws CallError, and nothing else */
export type Router = (caller: string, header: CallHeader, body: Uint8Array, call: RoutedCall) => Promise<Uint8Array>

/** No query needs so many peers to be answered; one in a circle is told so long before its deadline, and before it fills its peers. */
const hopsMax = 32

const retryAfterMsDefault = 200
const spanMs = 1_000

/** The peer's answer to calls (R2, R3): by the header alone it refuses or names the façade; the body goes through as it came. */
export function createRouter(init: RouterInit): Router {
  const { host, counters, now, notYetRetryAfterMs = retryAfterMsDefault } = init
  const mayTellUse = createThrottle<number>({ spanMs, now })
  const mayTellNews = createThrottle<string>({ spanMs, now })

  function failed(header: CallHeader, error: CallError): CallError {
    counters.failed(header.version, error.code)
    init.onOutcome?.(header, error.code)
    return error
  }

  return async (caller, header, body, call) => {
    const { version } = header
    if ((header.hops ?? 0) > hopsMax) throw failed(header, tooManyHops(header))
    const routing = routeCall(header, init.routes(), notYetRetryAfterMs)
    if ('refusal' in routing) {
      if (routing.news && mayTellNews(caller)) init.onHigherVersion?.(caller, version)
      throw failed(header, routing.refusal)
    }
    init.onCaller?.(version, caller)
    if (mayTellUse(version)) init.onUse?.(version)
    try {
      // Whatever the caller wrote there is replaced: it does not say who it is.
      const { revision } = routing
      const result = await host.call({ ...header, revision, caller, remainingMs: call.remainingMs }, body, call.signal)
      counters.answered(version)
      init.onOutcome?.(header, 'ok')
      return result
    } catch (thrown) {
      throw failed(header, toCallError(thrown))
    }
  }
}

function tooManyHops({ className, method, hops, trail }: CallHeader): CallError {
  const message = `${className}.${method} was called through ${hops} peers, at most ${hopsMax} are allowed: ${trail ?? ''} → ${className}.${method}`
  return new CallError('TooManyHops', { message })
}

function toCallError(thrown: unknown): CallError {
  if (thrown instanceof CallError) return thrown
  return new CallError('Failed', { message: `the host failed: ${messageOf(thrown)}`, executed: 'unknown' })
}
