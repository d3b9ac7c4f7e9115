import { constants } from 'node:fs'
import { open, realpath, type FileHandle } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { InstarError, messageOf } from '@instar/core'
import { errorCodeOf } from '../store/disk-errors.js'
import type { MirrorFetcher, MirrorPlace } from './mirror-place.js'

/**
 * Reads a repository from a directory, as it comes on a stick: no link leads out of it, and what is no ordinary file (a pipe would never
 * end) is refused.
 */
export function createDirectoryFetcher(directories: Readonly<Record<MirrorPlace, string>>): MirrorFetcher {
  return {
    async fetch(place, path, bytesMax) {
      const directory = directories[place]
      const shown = join(directory, ...path)
      if (path.some(name => name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name))) {
        throw refused(shown, 'its name has no place in a directory')
      }
      try {
        return await readInside(directory, path, bytesMax)
      } catch (thrown) {
        if (thrown instanceof InstarError) throw thrown
        if (['ENOENT', 'ENOTDIR'].includes(errorCodeOf(thrown))) return undefined
        throw new InstarError('Unreachable', `The mirror's file ${shown} cannot be read: ${messageOf(thrown)}.`, {
          cause: thrown
        })
      }
    }
  }
}

async function readInside(directory: string, path: readonly string[], bytesMax: number): Promise<Uint8Array> {
  const found = await realpath(join(directory, ...path))
  const inside = (await realpath(directory)) + sep
  if (!found.startsWith(inside)) throw refused(found, 'a link leads out of the mirror')
  // Not to wait for somebody who writes into a pipe.
  const file = await open(found, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw refused(found, 'it is not an ordinary file')
    if (stat.size > bytesMax) throw refused(found, `it is longer than the ${bytesMax} bytes that it may have`)
    return await readAtMost(file, stat.size)
  } finally {
    await file.close()
  }
}

async function readAtMost(file: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  let at = 0
  while (at < size) {
    const { bytesRead } = await file.read(bytes, at, size - at, at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return bytes.subarray(0, at)
}

function refused(file: string, flaw: string): InstarError {
  return new InstarError('MirrorRefused', `The mirror cannot be trusted with ${file}: ${flaw}.`, { detail: { file } })
}
