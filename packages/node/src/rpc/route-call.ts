import { CallError, type CallErrorDetail, type Route, type Routes } from '@instar/core'
import type { CallHeader } from '@instar/rpc'

/** `news`: the caller knows something about versions that this peer does not, so pulling from it helps. */
export type Routing = { readonly revision: number } | { readonly refusal: CallError; readonly news: boolean }

/**
 * Which façade answers a call (R2), or why none does (R3). Reads the header only; where it refuses, nothing has been executed.
 *
 * @param retryAfterMs what a caller is told that comes too early
 */
export function routeCall(header: CallHeader, routes: Routes, retryAfterMs: number): Routing {
  const { version } = header
  const { divergedAt } = routes
  if (divergedAt !== undefined && version >= divergedAt) {
    const message = `this peer has committed a version ${divergedAt} that the root role decided against, so it answers no call at ${divergedAt} or above: ${servedText(routes)}`
    return { refusal: new CallError('Diverged', describe(routes, message)), news: false }
  }
  const route = routes.entries.find(each => each.version === version)
  if (route === undefined) return unknown(version, routes, retryAfterMs)
  if (header.chainId !== undefined && header.chainId !== route.chainId) {
    // R20: the same number with another history. Both documents travel as evidence; no calls cross meanwhile.
    const message = `the caller means another version ${version} (chain id ${header.chainId}, here ${route.chainId}), so no call at it or above is answered`
    return { refusal: new CallError('Diverged', describe(routes, message)), news: true }
  }
  if (header.className !== route.className) {
    const message = `this peer runs ${route.className} at version ${version}, not ${header.className}`
    return { refusal: new CallError('UnknownClass', describe(routes, message)), news: false }
  }
  return byState(route, routes, retryAfterMs)
}

const parkedRetryAfterMs = 10_000

function byState(route: Route, routes: Routes, retryAfterMs: number): Routing {
  const { version, className } = route
  switch (route.state) {
    case 'served':
      // A served route always has its revision; without one the table is wrong, and a retry meets the next table.
      if (route.revision !== undefined) return { revision: route.revision }
      return {
        refusal: notYet(`version ${version} of ${className} is being set up here`, routes, retryAfterMs),
        news: false
      }
    case 'notYet': {
      const message = `version ${version} of ${className} is not introduced here yet`
      return { refusal: notYet(message, routes, retryAfterMs), news: false }
    }
    case 'halted': {
      const message = `version ${version} of ${className} is halted${route.cause === undefined ? '' : `: ${route.cause}`}`
      return { refusal: notYet(message, routes, retryAfterMs), news: false }
    }
    case 'parked': {
      const message = `the host of ${className} is parked here until an operator lets it start again: ${route.cause ?? 'it crashed'}`
      // Nothing but a person helps; whoever has to have this peer asks now and then.
      return {
        refusal: new CallError('Parked', { ...describe(routes, message), retryAfterMs: parkedRetryAfterMs }),
        news: false
      }
    }
    case 'retired': {
      const { cause } = route
      const why = cause === undefined ? '' : `, because ${cause}`
      const message = `version ${version} of ${className} is retired here${why}: ${servedText(routes)}`
      const detail = { ...describe(routes, message), ...(cause !== undefined && { reason: cause }) }
      return { refusal: new CallError('Retired', detail), news: false }
    }
    case 'superseded': {
      const by = route.by
      const message = `version ${version} was superseded${by === undefined ? '' : ` by ${by}`}: ${servedText(routes)}`
      const detail = { ...describe(routes, message), ...(by !== undefined && { by }) }
      return { refusal: new CallError('Superseded', detail), news: false }
    }
    case 'frozen': {
      const message = `version ${version} is frozen: there are two valid descriptors for it, and the root role must decide`
      return { refusal: new CallError('UnknownVersion', describe(routes, message)), news: false }
    }
  }
}

function unknown(version: number, routes: Routes, retryAfterMs: number): Routing {
  if (version > routes.newest || routes.entries.length === 0) {
    const message = `version ${version} is not known here yet; the newest known is ${routes.newest}`
    return { refusal: notYet(message, routes, retryAfterMs), news: version > routes.newest }
  }
  // Older than anything that this peer ever ran: it joined later.
  const message = `version ${version} is not served here: ${servedText(routes)}`
  const code = version < (routes.entries[0] as Route).version ? 'Retired' : 'UnknownVersion'
  return { refusal: new CallError(code, describe(routes, message)), news: false }
}

function notYet(message: string, routes: Routes, retryAfterMs: number): CallError {
  return new CallError('NotYet', { ...describe(routes, `${message}: ${servedText(routes)}`), retryAfterMs })
}

/** What every refusal carries, so that the caller can choose another version, or learn and upgrade (§14). */
function describe(routes: Routes, message: string): Omit<CallErrorDetail, 'executed'> {
  return { message, newest: routes.newest, ...(routes.served && { served: routes.served }) }
}

function servedText({ served }: Routes): string {
  if (served === undefined) return 'nothing is served now'
  return served[0] === served[1] ? `version ${served[0]} is served` : `versions ${served[0]} to ${served[1]} are served`
}
