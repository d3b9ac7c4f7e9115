import type { Stats } from 'node:fs'
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InstarError } from '@instar/core'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { openAuditLog, type AuditLog } from '../audit/audit-log.js'
import { dataPaths, type DataPaths } from './data-paths.js'
import { errorCodeOf, isLocked, onDisk, toDiskError } from './disk-errors.js'
import { replaceFile, syncDirectory } from './durable-file.js'
import { openStore, type Store } from './store.js'

/** An open data directory: this process is the only one that has it. */
export interface DataDirectory {
  readonly paths: DataPaths
  /** The peer's Ed25519 key; its public half is the peer id. */
  readonly identity: PrivateKey
  /** How many times this directory has been opened, this time included; orders a peer's announcements across starts (§13). */
  readonly bootEpoch: number
  readonly store: Store
  readonly audit: AuditLog
  /** Closes the store and gives the directory free. */
  close(): Promise<void>
}

const bootEpochKey = 'boot-epoch'

/**
 * Opens a peer's data directory, making it (0700) and its identity (0600) where they do not exist, and takes its lock. The lock
 * is the operating system's on `store/LOCK`, so one whose owner was killed is free; the pid file only names the owner.
 *
 * @throws InstarError DataDirectoryInUse, DataDirectoryDamaged, KeyUnsafe, DiskFull
 */
export async function openDataDirectory(
  root: string,
  options: { readonly now?: () => number } = {}
): Promise<DataDirectory> {
  const paths = dataPaths(root)
  await onDisk(root, () => makeDirectory(root))
  const store = await lockedStore(paths)
  try {
    await onDisk(pidPath(paths), () => writeFile(pidPath(paths), `${process.pid}\n`, { mode: 0o600 }))
    const identity = await readOrMakeIdentity(paths)
    const bootEpoch = await nextBootEpoch(store)
    const audit = await openAuditLog({ directory: paths.audit, store, now: options.now ?? Date.now })
    return { paths, identity, bootEpoch, store, audit, close: () => close(paths, store, audit) }
  } catch (thrown) {
    await store.close()
    throw thrown
  }
}

async function makeDirectory(root: string): Promise<void> {
  const made = await mkdir(root, { recursive: true, mode: 0o700 })
  if (made === undefined) await chmod(root, 0o700)
  else await syncDirectory(dirname(made))
}

async function lockedStore(paths: DataPaths): Promise<Store> {
  try {
    return await openStore(paths.store)
  } catch (thrown) {
    // One that is written to may lose a file while it is read.
    const isInUse = isLocked(thrown) || (thrown instanceof InstarError && thrown.code === 'DataDirectoryInUse')
    if (!isInUse) throw toDiskError(paths.store, thrown)
    const owner = await readFile(pidPath(paths), 'utf8').then(
      text => text.trim(),
      () => ''
    )
    const who = /^\d+$/.test(owner) ? `process ${owner}` : 'another process'
    throw new InstarError(
      'DataDirectoryInUse',
      `The data directory ${paths.root} is in use by ${who}: stop that peer first, or give this one a directory of its own.`,
      { detail: { path: paths.root, ...(owner === '' ? {} : { pid: owner }) }, cause: thrown }
    )
  }
}

async function readOrMakeIdentity({ identityKey }: DataPaths): Promise<PrivateKey> {
  const found = await onDisk(identityKey, () => statIfThere(identityKey))
  if (found === undefined) {
    const made = await generateKeyPair('Ed25519')
    await onDisk(identityKey, () => replaceFile(identityKey, privateKeyToProtobuf(made), 0o600))
    return made
  }
  if ((found.mode & 0o077) !== 0) {
    throw new InstarError(
      'KeyUnsafe',
      `Other users may read the identity key ${identityKey}: run chmod 600 on it, and make a new peer if somebody did.`,
      { detail: { path: identityKey } }
    )
  }
  const bytes = await onDisk(identityKey, () => readFile(identityKey))
  try {
    const identity = privateKeyFromProtobuf(bytes)
    if (identity.type === 'Ed25519' && (await isPair(identity))) return identity
  } catch {
    // Said below, as for a key of another kind.
  }
  throw new InstarError(
    'DataDirectoryDamaged',
    `${identityKey} is no Ed25519 key: restore it from a backup, or start a new peer with an empty data directory.`,
    { detail: { path: identityKey } }
  )
}

/** Whether its halves belong to each other. Nothing else would notice a byte that has changed, but every peer that this one talks to. */
async function isPair(identity: PrivateKey): Promise<boolean> {
  const said = new Uint8Array(1)
  return identity.publicKey.verify(said, await identity.sign(said))
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}

/** Durable before it is used: a statement of an earlier start must never look newer than one of this start. */
async function nextBootEpoch(store: Store): Promise<number> {
  const stored = await store.readValue(bootEpochKey)
  const epoch = (stored === undefined ? 0 : Number(Buffer.from(stored).toString('utf8'))) + 1
  await store.writeValue(bootEpochKey, Buffer.from(String(epoch)))
  return epoch
}

async function close(paths: DataPaths, store: Store, audit: AuditLog): Promise<void> {
  await audit.close()
  // While the lock is still held: a successor's file must not be removed.
  await rm(pidPath(paths), { force: true })
  await store.close()
}

function pidPath(paths: DataPaths): string {
  return join(paths.root, 'pid')
}
