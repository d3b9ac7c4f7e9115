import type { Descriptor } from '@instar/core'
import type { Keystore } from '../keys/keystore.js'
import type { Expiry } from './online.js'

export interface NetworkInit {
  readonly keystore: Keystore
  /** Makes the genesis descriptor once the network's id is known. */
  readonly descriptor: (network: string) => Descriptor
  readonly nowMs: number
  readonly expiry?: Partial<Expiry>
}

export interface CreatedNetwork {
  readonly network: string
  readonly documents: {
    readonly root: Uint8Array
    readonly targets: Uint8Array
    readonly snapshot: Uint8Array
    readonly timestamp: Uint8Array
  }
  /** The canonical bytes of the genesis descriptor: fed like a document, after them. */
  readonly descriptor: Uint8Array
}

/** Makes the trust root of a new network and its first version. Every key that the keystore has for a role is authorized for it. */
export async function createNetwork(_init: NetworkInit): Promise<CreatedNetwork> {
  throw new Error('not yet')
}
