import { InstarError, messageOf } from '@instar/core'

/** Nobody was reached, for whatever reason. */
export function unreachable(what: string, thrown: unknown): InstarError {
  return new InstarError('Unreachable', `No connection to ${what}: ${messageOf(thrown)}.`, { cause: thrown })
}

/** Why a peer cannot listen, in words. */
export function toListenError(listen: readonly string[], thrown: unknown): InstarError {
  const text = messageOf(thrown, 2000)
  const address = listen.find(each => text.includes(each)) ?? listen.join(', ')
  if (/EADDRINUSE/.test(text)) {
    return new InstarError(
      'PortInUse',
      `Another program listens on ${address} already: stop it, or give this peer another port (0 takes a free one).`,
      { detail: { address }, cause: thrown }
    )
  }
  return new InstarError('BadConfig', `The peer cannot listen on ${address}: ${text}.`, {
    detail: { address },
    cause: thrown
  })
}
