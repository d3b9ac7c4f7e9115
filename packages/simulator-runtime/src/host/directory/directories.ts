// Where classes that own files have them (§8): `files/<space>` in the state directory, one for each built state, as spaces are in the
// database. Which one counts is said by `meta` alone; a directory that it does not name is a left-over and is deleted.

import { chmod, lstat, mkdir, open, opendir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { InstarError, invariant } from '@instar/core'

const folder = 'files'
const ownerOnly = 0o700

/** The directory of a space. The name comes from a record with a checksum, and still leads nowhere else. */
export function directoryOf(stateDirectory: string, space: string): string {
  invariant(/^[0-9a-z]+(\.[0-9a-z]+)*$/.test(space), `the name of the space ${space} cannot be the name of a directory`)
  return join(stateDirectory, folder, space)
}

/** Makes the empty directory of a new space. */
export async function makeDirectory(stateDirectory: string, space: string): Promise<string> {
  const path = directoryOf(stateDirectory, space)
  await mkdir(join(stateDirectory, folder), { recursive: true, mode: ownerOnly })
  await mkdir(path, { mode: ownerOnly })
  return path
}

/** The directory of a space that has one. */
export async function findDirectory(stateDirectory: string, space: string): Promise<string | undefined> {
  const path = directoryOf(stateDirectory, space)
  try {
    // A link in its place would lead the class out of its directory.
    return (await lstat(path)).isDirectory() ? path : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The directory of an object, ready to be written. @throws InstarError StateDamaged when it is gone */
export async function openDirectory(stateDirectory: string, space: string): Promise<string> {
  const path = await findDirectory(stateDirectory, space)
  if (path === undefined)
    throw new InstarError(
      'StateDamaged',
      `The state in ${stateDirectory} is damaged: the directory ${folder}/${space} with the files of the object is gone. Restore it from a copy.`,
      { detail: { directory: stateDirectory } }
    )
  await unlock(path)
  return path
}

/** Makes everything in a directory survive a power loss, before a record names it. */
export async function syncDirectory(path: string, signal: AbortSignal): Promise<void> {
  for await (const each of opendirEach(path)) {
    signal.throwIfAborted()
    const inside = join(path, each.name)
    if (each.isDirectory()) await syncDirectory(inside, signal)
    else if (each.isFile()) await syncOne(inside)
  }
  await syncOne(path)
}

/**
 * Runs a transform over the old object's files, which it may only read (R13). Nothing can be created, renamed or removed in there
 * meanwhile, unless the peer runs as root; that a file is written cannot be prevented without losing its mode, and is noticed afterwards.
 *
 * @throws InstarError TransformFailed for a file that was changed
 */
export async function onlyRead<T>(path: string, work: () => Promise<T>): Promise<T> {
  await lock(path)
  try {
    const before = await filesOf(path)
    const result = await work()
    const after = await filesOf(path)
    const changed = [...new Set([...before.keys(), ...after.keys()])].find(each => before.get(each) !== after.get(each))
    if (changed === undefined) return result
    throw new InstarError(
      'TransformFailed',
      `The transform changed ${changed} of the old object's directory, which it may only read: the upgrade is not made.`
    )
  } finally {
    await unlock(path)
  }
}

/** Deletes every directory that is not named. Stops when `signal` aborts. */
export async function deleteOtherDirectories(
  stateDirectory: string,
  isNamed: (space: string) => boolean,
  signal: AbortSignal
): Promise<void> {
  for (const space of await namesIn(join(stateDirectory, folder))) {
    if (signal.aborted) return
    if (isNamed(space)) continue
    const path = join(stateDirectory, folder, space)
    if ((await lstat(path)).isDirectory()) await unlock(path)
    await rm(path, { recursive: true, force: true })
  }
}

/** The first one last, so that its mode tells whether there is anything to take back. */
async function lock(path: string): Promise<void> {
  const { mode } = await lstat(path)
  await chmod(path, mode & 0o7777 & ~0o222)
  for (const each of await directoriesIn(path)) await lock(join(path, each))
}

async function unlock(path: string): Promise<void> {
  const { mode } = await lstat(path)
  if ((mode & 0o200) !== 0) return
  for (const each of await directoriesIn(path)) await unlock(join(path, each))
  await chmod(path, (mode & 0o7777) | 0o200)
}

/** Whatever changes when a file is written, by its path. */
async function filesOf(path: string, prefix = ''): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for await (const each of opendirEach(path)) {
    const name = `${prefix}${each.name}`
    if (each.isDirectory()) {
      for (const [inside, mark] of await filesOf(join(path, each.name), `${name}/`)) files.set(inside, mark)
      continue
    }
    const { size, mtimeNs, ino } = await lstat(join(path, each.name), { bigint: true })
    files.set(name, `${size} ${mtimeNs} ${ino}`)
  }
  return files
}

async function directoriesIn(path: string): Promise<string[]> {
  return (await readdir(path, { withFileTypes: true })).filter(each => each.isDirectory()).map(each => each.name)
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function* opendirEach(path: string) {
  yield* await opendir(path)
}

async function syncOne(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
