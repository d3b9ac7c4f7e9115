import { encodeDescriptor, InstarError, parseDescriptor, sha256Hex, type Descriptor } from '@instar/core'
import type { Keystore } from '../keys/keystore.js'
import { canonicalHash } from '../metadata/canonical.js'
import { metadataRoles, type MetadataRole } from '../metadata/document.js'
import { emptyTrust } from '../trust/state.js'
import {
  defaultExpiry,
  rootBody,
  signDocument,
  snapshotBody,
  targetsBody,
  timestampBody,
  toExpires,
  type Expiry,
  type RoleInit
} from './bodies.js'
import { adopt } from './online.js'

/** What a new network begins with. */
export interface NetworkInit {
  readonly keystore: Keystore
  /** Makes the genesis descriptor once the network's id is known. */
  readonly descriptor: (network: string) => Descriptor
  readonly nowMs: number
  readonly expiry?: Partial<Expiry>
  /** How many keys must sign; where absent more than half for root and targets, 1 for snapshot and timestamp. */
  readonly thresholds?: Partial<Record<MetadataRole, number>>
}

/** A new network: its id, and all documents of version 1. */
export interface CreatedNetwork {
  readonly network: string
  /** In feeding order. */
  readonly documents: {
    readonly root: Uint8Array
    readonly targets: Uint8Array
    readonly snapshot: Uint8Array
    readonly timestamp: Uint8Array
  }
  /** The canonical bytes of the genesis descriptor: fed like a document, after them. */
  readonly descriptor: Uint8Array
}

/**
 * Makes the trust root of a new network and its first version. Every key that the keystore has for a role is authorized for it.
 *
 * @throws InstarError KeyNotFound when a role has no key, BadInput for a threshold that is too low or too high, or a bad descriptor
 */
export async function createNetwork(init: NetworkInit): Promise<CreatedNetwork> {
  const { keystore, nowMs } = init
  const expiry = { ...defaultExpiry, ...init.expiry }
  const roles = rolesOf(init)
  const rootSigned = rootBody(1, roles, toExpires(nowMs + expiry.rootMs))
  const network = canonicalHash(rootSigned)
  const descriptor = encodeGenesis(init.descriptor(network), network)
  const genesis = [1, { hash: sha256Hex(descriptor), byteLength: descriptor.byteLength }] as const
  const documents = {
    root: await signDocument(rootSigned, keystore.keysFor('root')),
    targets: await signDocument(
      targetsBody(1, [genesis], toExpires(nowMs + expiry.targetsMs)),
      keystore.keysFor('targets')
    ),
    snapshot: await signDocument(
      snapshotBody(1, 1, toExpires(nowMs + expiry.snapshotMs)),
      keystore.keysFor('snapshot')
    ),
    timestamp: await signDocument(
      timestampBody(1, 1, toExpires(nowMs + expiry.timestampMs)),
      keystore.keysFor('timestamp')
    )
  }
  const { root, targets, snapshot, timestamp } = documents
  const inOrder = [root, targets, snapshot, timestamp, descriptor]
  inOrder.reduce((state, document) => adopt(state, document, nowMs), emptyTrust(network))
  return { network, documents, descriptor }
}

function rolesOf({ keystore, thresholds = {} }: NetworkInit): Record<MetadataRole, RoleInit> {
  const roles = metadataRoles.map(role => {
    const keys = keystore.keysFor(role).map(each => each.key)
    if (keys.length === 0) {
      throw new InstarError(
        'KeyNotFound',
        `The keystore ${keystore.directory} has no key for ${role}: a network needs one.`
      )
    }
    const half = Math.floor(keys.length / 2)
    const byPeople = role === 'root' || role === 'targets'
    const threshold = thresholds[role] ?? (byPeople ? half + 1 : 1)
    // §5: two disjoint halves of the authors could otherwise sign two descriptors for one version.
    const lowest = role === 'targets' ? half + 1 : 1
    if (!Number.isSafeInteger(threshold) || threshold < lowest || threshold > keys.length) {
      throw new InstarError(
        'BadInput',
        `A threshold of ${threshold} does not fit the ${keys.length} keys for ${role}: choose ${lowest} to ${keys.length}.`,
        { detail: { role, threshold, keys: keys.length } }
      )
    }
    return [role, { keys, threshold }] as const
  })
  return Object.fromEntries(roles) as unknown as Record<MetadataRole, RoleInit>
}

function encodeGenesis(descriptor: Descriptor, network: string): Uint8Array {
  const bytes = encodeDescriptor(descriptor)
  const parsed = parseDescriptor(bytes)
  const flaw =
    parsed.verdict !== 'accept'
      ? parsed.detail
      : descriptor.version !== 1 || descriptor.network !== network
        ? 'it is not of version 1 of this network'
        : undefined
  if (flaw !== undefined) throw new InstarError('BadInput', `The genesis descriptor cannot be used: ${flaw}`)
  return bytes
}
