import { chmod, mkdir, open, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InstarError } from '@instar/core'

/** Only the owner's bits: what group and others may do with a private file is nothing. */
const othersMask = 0o077

/**
 * @throws InstarError KeyUnsafe when group or others may read or change it
 */
export async function assertPrivate(path: string): Promise<void> {
  const { mode } = await stat(path)
  if ((mode & othersMask) === 0) return
  throw new InstarError(
    'KeyUnsafe',
    `${path} is open to other users (mode ${(mode & 0o777).toString(8)}): whoever read it may hold the key. Close it with chmod go= and, if others use this machine, replace the key.`,
    { detail: { path, mode: mode & 0o777 } }
  )
}

/** Makes a directory (0700) with its parents, or takes an empty or private one that exists. */
export async function makePrivateDirectory(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 })
  // The umask may only take bits away, so a directory that was just made is private; one that was there must be.
  if (made === undefined) await assertPrivate(path)
  else await chmod(path, 0o700)
}

/** Writes a new file (0600) durably. Never replaces one. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncDirectory(dirname(path))
}

/** A new file is only sure to be there after a crash once its directory is on disk too. */
export async function syncDirectory(path: string): Promise<void> {
  const directory: FileHandle = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
