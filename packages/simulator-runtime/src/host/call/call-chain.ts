import { extendTrail } from '@instar/core'
import type { CallRequest, OutgoingCall } from '../host-runtime.js'

/** What of a request the calls that it makes have to carry on. */
export type ChainedRequest = Pick<CallRequest, 'className' | 'method' | 'hops' | 'trail'>

/** A call made on behalf of a request is one peer further, and says through which methods it came. */
export function onward(request: ChainedRequest, className: string): Pick<OutgoingCall, 'hops' | 'trail'> {
  const { method, hops = 0, trail = '' } = request
  return { hops: hops + 1, trail: extendTrail(trail, `${request.className ?? className}.${method}`) }
}
