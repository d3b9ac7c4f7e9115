import { accept, messageOf, reject, type Verdict } from '@instar/core'
import type { JsonObject } from '../metadata/canonical.js'
import { meetsThreshold, type RepositoryKeys, type RoleKeys } from './delegation.js'
import { readRepositoryDocument, type RepositoryDocument } from './envelope.js'
import type { TopLevelRole } from './limits.js'
import { matchFile } from './meta-file.js'
import {
  readRootModel,
  readSnapshotModel,
  readTargetsModel,
  readTimestampModel,
  type RootModel,
  type SnapshotModel,
  type TargetsModel,
  type TimestampModel
} from './models.js'

/** A document that verified, with what it says. */
export interface Trusted<Model> {
  readonly version: number
  readonly expiresMs: number
  readonly model: Model
  readonly bytes: Uint8Array
}

export type TrustedRoot = Trusted<RootModel>
export type TrustedTimestamp = Trusted<TimestampModel>
export type TrustedSnapshot = Trusted<SnapshotModel>
export type TrustedTargets = Trusted<TargetsModel>

/** Keys and roles of whoever delegates. */
export interface Delegator {
  readonly keys: RepositoryKeys
  readonly role: RoleKeys
}

/** The root with which trust begins: it is believed as it is, but it must be a root, and signed by its own keys. */
export function judgeFirstRoot(bytes: Uint8Array): Verdict<TrustedRoot> {
  const document = readRepositoryDocument(bytes, 'root')
  return document.verdict === 'accept' ? signedForItself(document.value) : document
}

/** The root after a trusted one: the next number, signed by the threshold of both. Its expiry is looked at when there is no further one. */
export function judgeNextRoot({ model, version }: TrustedRoot, bytes: Uint8Array): Verdict<TrustedRoot> {
  const document = readRepositoryDocument(bytes, 'root')
  if (document.verdict !== 'accept') return document
  const byOld = meetsThreshold(document.value, model.roles.root, model.keys)
  if (byOld.verdict !== 'accept') return byOld
  if (document.value.version !== version + 1) {
    return reject('WrongVersion', `it says version ${document.value.version} instead of ${version + 1}`)
  }
  return signedForItself(document.value)
}

function signedForItself(document: RepositoryDocument): Verdict<TrustedRoot> {
  const root = trustedAs(document, readRootModel)
  if (root.verdict !== 'accept') return root
  const { roles, keys } = root.value.model
  const byNew = meetsThreshold(document, roles.root, keys)
  return byNew.verdict === 'accept' ? root : byNew
}

/** A timestamp under this root; expiry and rollback are the caller's. */
export function judgeTimestamp(root: TrustedRoot, bytes: Uint8Array): Verdict<TrustedTimestamp> {
  return judge(bytes, 'timestamp', delegatorOf(root, 'timestamp'), readTimestampModel)
}

/** A newer timestamp replaces the one before it only if nothing that it names goes back. `Same`: one of this number is here already. */
export function judgeSuccessor(before: TrustedTimestamp | undefined, next: TrustedTimestamp): Verdict<true> {
  if (before === undefined) return accept(true)
  if (next.version < before.version) {
    return reject('Rollback', `its version is ${next.version}, and ${before.version} was trusted`)
  }
  if (next.version === before.version) return reject('Same', `timestamp ${next.version} is trusted already`)
  const [named, known] = [next.model.snapshot.version, before.model.snapshot.version]
  return named < known ? reject('Rollback', `it names snapshot ${named}, and ${known} was named before`) : accept(true)
}

/** A snapshot under this root, whether or not the timestamp names it. */
export function judgeSnapshot(root: TrustedRoot, bytes: Uint8Array): Verdict<TrustedSnapshot> {
  return judge(bytes, 'snapshot', delegatorOf(root, 'snapshot'), readSnapshotModel)
}

/** Whether the snapshot is the one that the timestamp names, and takes back nothing that the one before it named. */
export function judgeNamedSnapshot(
  timestamp: TrustedTimestamp,
  before: TrustedSnapshot | undefined,
  next: TrustedSnapshot
): Verdict<true> {
  const matches = matchFile(timestamp.model.snapshot, next.bytes)
  if (matches.verdict !== 'accept') return matches
  for (const [name, { version }] of before?.model.meta ?? []) {
    const now = next.model.meta.get(name)
    if (now === undefined) return reject('RoleRemoved', `it does not name ${name} any more`)
    if (now.version < version)
      return reject('Rollback', `it names ${name} ${now.version}, and ${version} was named before`)
  }
  return sameVersion(next, timestamp.model.snapshot.version)
}

/** A targets role as the snapshot names it, signed for whoever delegates to it on the way that was taken to it. */
export function judgeTargets(
  snapshot: TrustedSnapshot,
  name: string,
  delegator: Delegator,
  bytes: Uint8Array
): Verdict<TrustedTargets> {
  const named = snapshot.model.meta.get(`${name}.json`)
  if (named === undefined) return reject('NotInSnapshot', `the snapshot does not name ${name}`)
  const matches = matchFile(named, bytes)
  if (matches.verdict !== 'accept') return matches
  const targets = judge(bytes, 'targets', delegator, readTargetsModel)
  if (targets.verdict !== 'accept') return targets
  const version = sameVersion(targets.value, named.version)
  return version.verdict === 'accept' ? targets : version
}

export function judgeExpiry({ expiresMs }: Trusted<unknown>, nowMs: number): Verdict<true> {
  return expiresMs > nowMs ? accept(true) : reject('Expired', `it expired ${new Date(expiresMs).toISOString()}`)
}

export function delegatorOf({ model }: TrustedRoot, role: TopLevelRole): Delegator {
  return { keys: model.keys, role: model.roles[role] }
}

function judge<Model>(
  bytes: Uint8Array,
  type: TopLevelRole,
  { role, keys }: Delegator,
  read: (signed: JsonObject) => Model
): Verdict<Trusted<Model>> {
  const document = readRepositoryDocument(bytes, type)
  if (document.verdict !== 'accept') return document
  const signed = meetsThreshold(document.value, role, keys)
  return signed.verdict === 'accept' ? trustedAs(document.value, read) : signed
}

function trustedAs<Model>(
  { signed, version, expiresMs, bytes }: RepositoryDocument,
  read: (signed: JsonObject) => Model
): Verdict<Trusted<Model>> {
  try {
    return accept({ version, expiresMs, bytes, model: read(signed) })
  } catch (thrown) {
    return reject('BadMetadata', messageOf(thrown))
  }
}

function sameVersion({ version }: Trusted<unknown>, named: number): Verdict<true> {
  return version === named ? accept(true) : reject('WrongVersion', `it says version ${version} instead of ${named}`)
}
