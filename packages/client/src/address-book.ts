/** Where peers are, as far as tickets and other peers say. Bounded; nothing is believed but by dialling. */
export interface AddressBook {
  /** Takes a multiaddr with `/p2p/<peer id>`; answers the id, or undefined when there is none in it. */
  learn(address: string): string | undefined
  of(peer: string): readonly string[]
  readonly peers: readonly string[]
}

const peersMax = 256
const addressesPerPeerMax = 8

export function createAddressBook(): AddressBook {
  const book = new Map<string, string[]>()
  return {
    learn(address) {
      const peer = peerOf(address)
      if (peer === undefined) return undefined
      const known = book.get(peer)
      if (known === undefined) {
        if (book.size < peersMax) book.set(peer, [address])
      } else if (!known.includes(address)) {
        // The newest first: a peer that moved is where it was last heard of.
        known.unshift(address)
        known.length = Math.min(known.length, addressesPerPeerMax)
      }
      return peer
    },
    of: peer => book.get(peer) ?? [],
    get peers() {
      return [...book.keys()]
    }
  }
}

/** The peer id at the end of a multiaddr. */
function peerOf(address: string): string | undefined {
  return /\/p2p\/([1-9A-HJ-NP-Za-km-z]{32,128})$/.exec(address)?.[1]
}
