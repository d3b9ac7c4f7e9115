import { statfs } from 'node:fs/promises'
import { InstarError } from '@instar/core'

/** How much of the disk under a folder this process may still use, in bytes. */
export type FreeSpace = (folder: string) => Promise<number>

export interface FreeSpaceInit {
  readonly folder: string
  /** Bytes that are to stay free. */
  readonly leaveFreeBytes: number
  /** Told once when less is left. */
  readonly onShort: (error: InstarError) => void
  readonly freeSpace?: FreeSpace
}

interface FreeSpaceWatch {
  /** @throws InstarError DiskFull where so many bytes more would not leave enough */
  assertRoomFor(bytes: number, what: string): Promise<void>
  stop(): void
}

const lookEveryMs = 500
const mebibyte = 1024 * 1024

/** Looks after a disk while something that is not needed is written to it: whoever serves needs the rest. */
export function watchFreeSpace({
  folder,
  leaveFreeBytes,
  onShort,
  freeSpace = freeBytes
}: FreeSpaceInit): FreeSpaceWatch {
  const look = async (): Promise<void> => {
    const free = await freeSpace(folder)
    if (free < leaveFreeBytes) stopWith(shortage(`only ${mebibytes(free)} are free on it`))
  }
  // A disk that cannot be asked is no reason to stop: whoever writes is told by the write.
  const looking = setInterval(() => void look().catch(() => undefined), lookEveryMs)
  const stopWith = (error: InstarError): void => {
    clearInterval(looking)
    onShort(error)
  }
  const shortage = (why: string): InstarError =>
    new InstarError(
      'DiskFull',
      `The disk that holds ${folder} is nearly full: ${why}, and ${mebibytes(leaveFreeBytes)} are left to whoever serves. Free some space.`,
      { detail: { path: folder } }
    )
  return {
    async assertRoomFor(bytes, what) {
      const free = await freeSpace(folder)
      if (free < bytes + leaveFreeBytes)
        throw shortage(`${what} needs ${mebibytes(bytes)} and ${mebibytes(free)} are free`)
    },
    stop: () => clearInterval(looking)
  }
}

/** Of a disk with room for more, so much is left to whoever serves; of a small one its owner can spare less. */
export async function spareBytes(folder: string): Promise<number> {
  const { blocks, bsize } = await statfs(folder)
  return Math.min(64 * mebibyte, Math.floor((blocks * bsize) / 8))
}

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / mebibyte)} MiB`
}
