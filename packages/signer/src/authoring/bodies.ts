import type { Json } from '@instar/core'
import { toKeyJson, type PublicKey } from '../keys/public-key.js'
import type { Signer } from '../keys/signer.js'
import { canonicalBytes, hashOf, type JsonObject } from '../metadata/canonical.js'
import {
  delegatedRoles,
  encodeDocument,
  topLevelRoles,
  type DelegatedRole,
  type Signature,
  type TopLevelRole
} from '../metadata/document.js'
import type { TargetEntry } from '../metadata/target-entry.js'
import { delegatedPath, upgradePath } from '../metadata/targets.js'

const specVersion = '1.0.31'
const day = 86_400_000

/** How long each role's documents count as fresh from when they are signed. */
export interface Expiry {
  readonly rootMs: number
  readonly targetsMs: number
  readonly snapshotMs: number
  readonly timestampMs: number
  readonly haltMs: number
  readonly admissionMs: number
}

/**
 * The timestamp is the heartbeat: shorter notices a frozen network sooner, and must be renewed (at half life) more often. The others
 * need people, or keys that should rarely be used.
 */
export const defaultExpiry: Expiry = Object.freeze({
  rootMs: 5 * 365 * day,
  targetsMs: 2 * 365 * day,
  snapshotMs: 365 * day,
  timestampMs: 7 * day,
  haltMs: 2 * 365 * day,
  admissionMs: 2 * 365 * day
})

export interface RoleInit {
  readonly keys: readonly PublicKey[]
  readonly threshold: number
}

export function rootBody(
  version: number,
  roles: Readonly<Record<TopLevelRole, RoleInit>>,
  expires: string
): JsonObject {
  return {
    ...common('root', version, expires),
    consistent_snapshot: true,
    keys: keyTable(topLevelRoles.map(role => roles[role])),
    roles: Object.fromEntries(topLevelRoles.map(role => [role, roleKeys(roles[role])]))
  }
}

function keyTable(roles: readonly RoleInit[]): JsonObject {
  return Object.fromEntries(roles.flatMap(({ keys }) => keys).map(key => [key.keyId, toKeyJson(key)]))
}

function roleKeys({ keys, threshold }: RoleInit): JsonObject {
  return { keyids: keys.map(key => key.keyId), threshold }
}

/** Who may halt and who may admit, for {@link targetsBody}: with the one pattern that each role has (§5). */
export function delegationsJson(roles: Readonly<Partial<Record<DelegatedRole, RoleInit>>>): JsonObject {
  const given = delegatedRoles.flatMap(name => (roles[name] === undefined ? [] : [{ name, init: roles[name] }]))
  return {
    keys: keyTable(given.map(({ init }) => init)),
    roles: given.map(({ name, init }) => ({
      name,
      ...roleKeys(init),
      terminating: true,
      paths: [delegatedPath(name)]
    }))
  }
}

export function targetsBody(
  version: number,
  upgrades: Iterable<readonly [number, TargetEntry]>,
  expires: string,
  delegations?: JsonObject
): JsonObject {
  const delegated = delegations === undefined ? {} : { delegations }
  return { ...common('targets', version, expires), targets: upgradeTargets(upgrades), ...delegated }
}

/** A halt or admission document: the values by path, each as an ordinary target that carries its own content. */
export function delegatedBody(
  role: DelegatedRole,
  version: number,
  values: Iterable<readonly [path: string, value: JsonObject]>,
  expires: string
): JsonObject {
  const targets = [...values].map(([path, custom]) => {
    const bytes = canonicalBytes(custom)
    return [path, { length: bytes.byteLength, hashes: { sha256: hashOf(bytes) }, custom }] as const
  })
  return { ...common('targets', version, expires), instar: { role }, targets: Object.fromEntries(targets) }
}

export function upgradeTargets(upgrades: Iterable<readonly [number, TargetEntry]>): JsonObject {
  return Object.fromEntries(
    [...upgrades].map(([version, { hash, byteLength }]) => [
      upgradePath(version),
      { length: byteLength, hashes: { sha256: hash } }
    ])
  )
}

/** The numbers of the documents that a snapshot names. */
export type SnapshotNumbers = { readonly targets: number } & Readonly<Partial<Record<DelegatedRole, number>>>

/** Names documents by number only: see `MetaEntry`. */
export function snapshotBody(version: number, numbers: SnapshotNumbers, expires: string): JsonObject {
  const named = (['targets', ...delegatedRoles] as const).filter(role => numbers[role] !== undefined)
  const meta = Object.fromEntries(named.map(role => [`${role}.json`, { version: numbers[role] as number }]))
  return { ...common('snapshot', version, expires), meta }
}

export function timestampBody(version: number, snapshotVersion: number, expires: string): JsonObject {
  return { ...common('timestamp', version, expires), meta: { 'snapshot.json': { version: snapshotVersion } } }
}

function common(role: TopLevelRole, version: number, expires: string): { readonly [key: string]: Json } {
  return { _type: role, spec_version: specVersion, version, expires }
}

/** TUF's form of a time: whole seconds, UTC. */
export function toExpires(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

export async function signBody(body: Uint8Array, signer: Signer): Promise<Signature> {
  return { keyId: signer.key.keyId, sig: Buffer.from(await signer.sign(body)).toString('hex') }
}

/** The whole document, signed by all of these. */
export async function signDocument(signed: JsonObject, signers: readonly Signer[]): Promise<Uint8Array> {
  const body = canonicalBytes(signed)
  const signatures = await Promise.all(signers.map(signer => signBody(body, signer)))
  return encodeDocument(body, sortSignatures(signatures))
}

export function sortSignatures(signatures: readonly Signature[]): readonly Signature[] {
  return [...signatures].sort((a, b) => (a.keyId < b.keyId ? -1 : 1))
}
