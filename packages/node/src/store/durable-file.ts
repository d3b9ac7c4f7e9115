import { open, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes all bytes at the file's position and makes them durable. */
export async function writeAllSynced(file: FileHandle, bytes: Uint8Array): Promise<void> {
  await file.writeFile(bytes)
  await file.datasync()
}

/** Makes the names in a directory durable: a new or renamed file is lost without it. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Replaces a small file so that after a crash it is the old or the new one, whole. */
export async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const aside = `${path}.new`
  const file = await open(aside, 'w', mode)
  try {
    await writeAllSynced(file, bytes)
  } finally {
    await file.close()
  }
  await rename(aside, path)
  await syncDirectory(dirname(path))
}
