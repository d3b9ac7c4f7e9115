import { InstarError } from '@instar/core'
import type { PeerStatus } from '@instar/node/control'

const shownCharacters = 8

/** Peer ids begin alike, so people see their end. */
export function shortPeer(peer: string): string {
  return peer.length <= shownCharacters + 2 ? peer : `…${peer.slice(-shownCharacters)}`
}

/** The peer that a person means by an id or by its end. @throws InstarError `BadInput` */
export function resolvePeer(text: string, status: PeerStatus): string {
  const ending = text.replace(/^…/, '')
  const known = [status.peer, ...status.peers.map(each => each.peer)]
  const found = known.filter(peer => peer === ending || (ending.length >= 4 && peer.endsWith(ending)))
  const [peer] = found
  if (peer !== undefined && found.length === 1) return peer
  const flaw = found.length > 1 ? 'means more than one peer' : 'is no peer that is known here'
  throw new InstarError('BadInput', `${text} ${flaw}; instar status lists them.`)
}
