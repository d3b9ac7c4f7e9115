import type { Json } from '@instar/core'
import { toKeyJson, type PublicKey } from '../keys/public-key.js'
import type { Signer } from '../keys/signer.js'
import { canonicalBytes, type JsonObject } from '../metadata/canonical.js'
import { encodeDocument, metadataRoles, type MetadataRole, type Signature } from '../metadata/document.js'
import { upgradePath, type TargetEntry } from '../metadata/targets.js'

const specVersion = '1.0.31'
const day = 86_400_000

/** How long each role's documents count as fresh from when they are signed. */
export interface Expiry {
  readonly rootMs: number
  readonly targetsMs: number
  readonly snapshotMs: number
  readonly timestampMs: number
}

/**
 * The timestamp is the heartbeat: shorter notices a frozen network sooner, and must be renewed (at half life) more often. The others
 * need people, or keys that should rarely be used.
 */
export const defaultExpiry: Expiry = Object.freeze({
  rootMs: 5 * 365 * day,
  targetsMs: 2 * 365 * day,
  snapshotMs: 365 * day,
  timestampMs: 7 * day
})

export interface RoleInit {
  readonly keys: readonly PublicKey[]
  readonly threshold: number
}

export function rootBody(
  version: number,
  roles: Readonly<Record<MetadataRole, RoleInit>>,
  expires: string
): JsonObject {
  const keys = metadataRoles.flatMap(role => roles[role].keys).map(key => [key.keyId, toKeyJson(key)] as const)
  const listed = metadataRoles.map(role => {
    const { keys: own, threshold } = roles[role]
    return [role, { keyids: own.map(key => key.keyId), threshold }] as const
  })
  return {
    ...common('root', version, expires),
    consistent_snapshot: true,
    keys: Object.fromEntries(keys),
    roles: Object.fromEntries(listed)
  }
}

export function targetsBody(
  version: number,
  upgrades: Iterable<readonly [number, TargetEntry]>,
  expires: string
): JsonObject {
  return { ...common('targets', version, expires), targets: upgradeTargets(upgrades) }
}

export function upgradeTargets(upgrades: Iterable<readonly [number, TargetEntry]>): JsonObject {
  return Object.fromEntries(
    [...upgrades].map(([version, { hash, byteLength }]) => [
      upgradePath(version),
      { length: byteLength, hashes: { sha256: hash } }
    ])
  )
}

/** Names targets by number only: see `MetaEntry`. */
export function snapshotBody(version: number, targetsRevision: number, expires: string): JsonObject {
  return { ...common('snapshot', version, expires), meta: { 'targets.json': { version: targetsRevision } } }
}

export function timestampBody(version: number, snapshotVersion: number, expires: string): JsonObject {
  return { ...common('timestamp', version, expires), meta: { 'snapshot.json': { version: snapshotVersion } } }
}

function common(role: MetadataRole, version: number, expires: string): { readonly [key: string]: Json } {
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
