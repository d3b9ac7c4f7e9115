import { constants, copyFile, lstat, mkdir, open, opendir, readlink, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { findDirectory, makeDirectory } from '../directory/directories.js'
import type { Pace } from './pace.js'

export interface DirectoriesCopy {
  readonly from: string
  readonly to: string
  readonly spaces: readonly string[]
  readonly pace: Pace
  readonly progress: { files: number; bytes: number }
}

/** Rounds after which the last one is made however much is left: files change faster than they are copied. */
const roundsMax = 5
/** As many changed files are left for the last round, in which commands wait. */
const lastRoundMax = 8
const chunkBytes = 1024 * 1024

/**
 * Copies the directories of the spaces that have one, round after round, until few files change in between. Gives the last round, to be
 * made where no command runs; `undefined` where there is no directory.
 */
export async function copyDirectories(init: DirectoriesCopy): Promise<(() => Promise<void>) | undefined> {
  const copies: DirectoryCopy[] = []
  for (const space of init.spaces) {
    const from = await findDirectory(init.from, space)
    if (from !== undefined) copies.push(new DirectoryCopy(from, await makeDirectory(init.to, space), init))
  }
  if (copies.length === 0) return undefined
  for (let round = 0; round < roundsMax; round++) {
    let changed = 0
    for (const copy of copies) changed += await copy.round(work => init.pace.beside(work))
    if (changed <= lastRoundMax) break
  }
  return async () => {
    for (const copy of copies) await copy.round(work => work())
  }
}

type Run = (work: () => Promise<void>) => Promise<void>

class DirectoryCopy {
  readonly #from: string
  readonly #to: string
  readonly #init: DirectoriesCopy
  /** Whatever changes when a file is written, as it was before it was copied. */
  #marks = new Map<string, string>()
  /** Bytes that this round has counted while they were copied. */
  #counted = 0

  constructor(from: string, to: string, init: DirectoriesCopy) {
    this.#from = from
    this.#to = to
    this.#init = init
  }

  /** Copies what has changed since the last round and removes what is gone. Gives how much that was. */
  async round(run: Run): Promise<number> {
    const seen = new Map<string, string>()
    let changed = await this.#walk('', seen, run)
    for (const path of this.#marks.keys()) {
      if (seen.has(path)) continue
      await rm(join(this.#to, path), { recursive: true, force: true })
      changed++
    }
    const { progress } = this.#init
    const [before, after] = [sizeOf(this.#marks), sizeOf(seen)]
    progress.files += after.files - before.files
    // What was written twice, or shared and never read, counts once.
    progress.bytes += after.bytes - before.bytes - this.#counted
    this.#counted = 0
    this.#marks = seen
    return changed
  }

  async #walk(folder: string, seen: Map<string, string>, run: Run): Promise<number> {
    let changed = 0
    for await (const each of await opendir(join(this.#from, folder))) {
      this.#init.pace.signal.throwIfAborted()
      const path = join(folder, each.name)
      const before = this.#marks.get(path)
      if (before !== undefined && (before === directoryMark) !== each.isDirectory())
        await rm(join(this.#to, path), { recursive: true, force: true })
      if (each.isDirectory()) {
        seen.set(path, directoryMark)
        await mkdir(join(this.#to, path), { recursive: true })
        changed += await whileItIsThere(0, () => this.#walk(path, seen, run))
        continue
      }
      changed += await whileItIsThere(0, async () => {
        const mark = await markOf(join(this.#from, path))
        seen.set(path, mark)
        if (before === mark) return 0
        if (each.isSymbolicLink()) await this.#copyLink(path)
        else if (each.isFile()) await this.#copyFile(path, run)
        return 1
      })
    }
    return changed
  }

  async #copyLink(path: string): Promise<void> {
    await rm(join(this.#to, path), { force: true })
    await symlink(await readlink(join(this.#from, path)), join(this.#to, path))
  }

  /** Where the file system shares the blocks of both it costs nothing; else part by part, so that the disk has time for others. */
  async #copyFile(path: string, run: Run): Promise<void> {
    const [from, to] = [join(this.#from, path), join(this.#to, path)]
    if (await isShared(from, to)) return
    const source = await open(from, 'r')
    try {
      const copy = await open(to, 'w', (await source.stat()).mode & 0o777)
      try {
        const buffer = Buffer.allocUnsafe(chunkBytes)
        let at = 0
        let count = chunkBytes
        while (count === chunkBytes) {
          await run(async () => {
            count = (await source.read(buffer, 0, chunkBytes, at)).bytesRead
            if (count > 0) await copy.write(buffer, 0, count, at)
            at += count
            this.#counted += count
            this.#init.progress.bytes += count
          })
        }
      } finally {
        await copy.close()
      }
    } finally {
      await source.close()
    }
  }
}

const directoryMark = 'directory'
/** Clocks of file systems are coarse: what was written so lately may be written again without a trace. */
const freshMs = 50

async function markOf(path: string): Promise<string> {
  const { size, mtimeNs, mtimeMs, ino } = await lstat(path, { bigint: true })
  const isFresh = Date.now() - Number(mtimeMs) < freshMs
  return `${size} ${mtimeNs} ${ino}${isFresh ? ` seen at ${performance.now()}` : ''}`
}

function sizeOf(marks: ReadonlyMap<string, string>): { readonly files: number; readonly bytes: number } {
  let files = 0
  let bytes = 0
  for (const mark of marks.values()) {
    if (mark === directoryMark) continue
    files++
    bytes += Number.parseInt(mark)
  }
  return { files, bytes }
}

async function isShared(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch {
    // Most file systems cannot; what is wrong with the file shows when it is read.
    return false
  }
}

/** A file may be gone before it is looked at: the next round says so. */
async function whileItIsThere<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise
    throw error
  }
}
