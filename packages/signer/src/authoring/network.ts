import { encodeDescriptor, InstarError, parseDescriptor, sha256Hex, type Descriptor } from '@instar/core'
import type { Keystore } from '../keys/keystore.js'
import { policyPath } from '../metadata/admission.js'
import { canonicalHash, type JsonObject } from '../metadata/canonical.js'
import {
  delegatedRoles,
  topLevelRoles,
  type DelegatedRole,
  type MetadataRole,
  type TopLevelRole
} from '../metadata/document.js'
import { emptyTrust } from '../trust/state.js'
import {
  defaultExpiry,
  delegatedBody,
  delegationsJson,
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
  /** How many keys must sign; where absent more than half for root and targets, 1 for the others. */
  readonly thresholds?: Partial<Record<MetadataRole, number>>
}

/** A new network: its id, and all documents of version 1. */
export interface CreatedNetwork {
  readonly network: string
  /** In feeding order. */
  readonly documents: {
    readonly root: Uint8Array
    readonly targets: Uint8Array
    /** Says that everybody is admitted; absent where nobody holds the role. */
    readonly admission?: Uint8Array
    readonly snapshot: Uint8Array
    readonly timestamp: Uint8Array
  }
  /** The canonical bytes of the genesis descriptor: fed like a document, after them. */
  readonly descriptor: Uint8Array
}

/**
 * Makes the trust root of a new network and its first version. Every key that the keystore has for a role is authorized for it; without
 * keys for halt or admission nobody holds that role, until later targets delegate it.
 *
 * @throws InstarError KeyNotFound when a role has no key, BadInput for a threshold that is too low or too high, or a bad descriptor
 */
export async function createNetwork(init: NetworkInit): Promise<CreatedNetwork> {
  const { keystore, nowMs } = init
  const expiry = { ...defaultExpiry, ...init.expiry }
  const roles = rolesOf(init)
  const delegated = delegatedOf(init)
  const delegations = Object.keys(delegated).length === 0 ? undefined : delegationsJson(delegated)
  const rootSigned = rootBody(1, roles, toExpires(nowMs + expiry.rootMs))
  const network = canonicalHash(rootSigned)
  const descriptor = encodeGenesis(init.descriptor(network), network)
  const genesis = [1, { hash: sha256Hex(descriptor), byteLength: descriptor.byteLength }] as const
  const sign = (role: MetadataRole, body: JsonObject) => signDocument(body, keystore.keysFor(role))
  const expires = (ms: number) => toExpires(nowMs + ms)
  const numbers = { targets: 1, ...(delegated.admission === undefined ? {} : { admission: 1 }) }
  const documents = {
    root: await sign('root', rootSigned),
    targets: await sign('targets', targetsBody(1, [genesis], expires(expiry.targetsMs), delegations)),
    // Whoever may admit and has not spoken admits nobody: so the first word is said here.
    ...(delegated.admission === undefined
      ? {}
      : { admission: await sign('admission', openAdmission(expires(expiry.admissionMs))) }),
    snapshot: await sign('snapshot', snapshotBody(1, numbers, expires(expiry.snapshotMs))),
    timestamp: await sign('timestamp', timestampBody(1, 1, expires(expiry.timestampMs)))
  }
  const inOrder = [...Object.values(documents), descriptor]
  inOrder.reduce((state, document) => adopt(state, document, nowMs), emptyTrust(network))
  return { network, documents, descriptor }
}

function openAdmission(expires: string): JsonObject {
  return delegatedBody('admission', 1, [[policyPath, { format: 1, policy: 'open' }]], expires)
}

function rolesOf(init: NetworkInit): Record<TopLevelRole, RoleInit> {
  const roles = topLevelRoles.map(role => {
    const given = roleOf(init, role)
    if (given === undefined) {
      throw new InstarError(
        'KeyNotFound',
        `The keystore ${init.keystore.directory} has no key for ${role}: a network needs one.`
      )
    }
    return [role, given] as const
  })
  return Object.fromEntries(roles) as unknown as Record<TopLevelRole, RoleInit>
}

function delegatedOf(init: NetworkInit): Partial<Record<DelegatedRole, RoleInit>> {
  const roles: Partial<Record<DelegatedRole, RoleInit>> = {}
  for (const role of delegatedRoles) {
    const given = roleOf(init, role)
    if (given !== undefined) roles[role] = given
  }
  return roles
}

/** All keys that the keystore has for a role, and how many of them must sign; undefined without any. */
function roleOf({ keystore, thresholds = {} }: NetworkInit, role: MetadataRole): RoleInit | undefined {
  const keys = keystore.keysFor(role).map(each => each.key)
  if (keys.length === 0) return undefined
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
  return { keys, threshold }
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
