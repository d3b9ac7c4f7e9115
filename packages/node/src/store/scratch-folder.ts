import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { onDisk } from './disk-errors.js'

/**
 * Where things are tried out. Each trial has a folder of its own, which counts as in use until it is removed, however long it takes; what
 * else lies there is nobody's.
 */
export interface ScratchFolder {
  readonly directory: string
  /** Makes a folder. @throws InstarError DiskFull, DataDirectoryDamaged */
  make(prefix: string): Promise<string>
  /** Removes one that was made here. Rejects when something of it is left, which is nobody's then. */
  remove(path: string): Promise<void>
  /** Whether something of this name in the folder is in use. */
  isInUse(name: string): boolean
}

/** @param directory exists */
export function createScratchFolder(directory: string): ScratchFolder {
  const inUse = new Set<string>()
  return {
    directory,
    async make(prefix) {
      const name = `${prefix}${randomBytes(6).toString('hex')}`
      const path = join(directory, name)
      // Before it is there, so that nobody finds it as nobody's.
      inUse.add(name)
      try {
        await onDisk(directory, () => mkdir(path, { mode: 0o700 }))
        return path
      } catch (thrown) {
        inUse.delete(name)
        throw thrown
      }
    },
    async remove(path) {
      try {
        await rm(path, { recursive: true, force: true })
      } finally {
        inUse.delete(path.slice(directory.length + 1))
      }
    },
    isInUse: name => inUse.has(name)
  }
}
