import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readManifest, unlessMissing, type Damaged } from '../level-log/current.js'
import { lookAtTable } from './judge-table.js'

// LevelDB can hold each block of a table against its checksum, but only where it is asked to (`verify_checksums`), and classic-level does not
// ask: one byte that has changed gives another answer, or none, and the next compaction writes that down with a checksum that fits. So
// tables are read here before the database is opened. A table never changes once a manifest names it: what was found whole is not read
// again while its file is the same.

/** What a look has read; nothing where all was known. */
export interface TablesRead {
  readonly tables: number
  readonly bytes: number
}

interface LookInit {
  readonly directory: string
  /** Makes the error for a table that is not what was written. */
  readonly damaged: Damaged
  readonly signal?: AbortSignal | undefined
  /** Waited for after each slice of bytes; told how long that took. Standard: until whatever else is due was done. */
  readonly pause?: (tookMs: number) => Promise<void>
}

/** Which tables of databases were found whole, as long as a process lives. */
export class WholeTables {
  /** By path, what tells that the file there is still the same. */
  readonly #whole = new Map<string, string>()

  /**
   * Reads the tables of a database that were not found whole before. Another process may have it open, and go on with it.
   *
   * @throws what `damaged` makes of a file, and the signal's reason
   */
  async look(init: LookInit): Promise<TablesRead> {
    const { directory, damaged, signal } = init
    const read = { tables: 0, bytes: 0 }
    const seen = new Set<string>()
    for (const [number, size] of await liveTables(directory, damaged)) {
      signal?.throwIfAborted()
      const path = join(directory, `${String(number).padStart(6, '0')}.ldb`)
      const found = await stat(path, { bigint: true }).catch(unlessMissing)
      const same = found && `${found.ino} ${found.size} ${found.mtimeNs}`
      seen.add(path)
      if (same !== undefined && this.#whole.get(path) === same) continue
      const bytes = await readFile(path).catch(unlessMissing)
      if (bytes === undefined || same === undefined) {
        // It is no part of it any more: a compaction has written others in its stead.
        if (!(await liveTables(directory, damaged)).has(number)) continue
        throw damaged(path, 'it is not there')
      }
      if (bytes.length !== size) throw damaged(path, `it has ${bytes.length} bytes, and not ${size}`)
      const flaw = await flawOf(bytes, init)
      if (flaw !== undefined) throw damaged(path, flaw)
      this.#whole.set(path, same)
      read.tables++
      read.bytes += size
    }
    this.#forget(directory, seen)
    return read
  }

  /** Tables come and go as long as a peer runs. */
  #forget(directory: string, seen: ReadonlySet<string>): void {
    for (const path of this.#whole.keys())
      if (dirname(path) === join(directory) && !seen.has(path)) this.#whole.delete(path)
  }
}

async function liveTables(directory: string, damaged: Damaged): Promise<ReadonlyMap<number, number>> {
  return (await readManifest(directory, damaged))?.tables ?? new Map<number, number>()
}

async function flawOf(bytes: Buffer, { signal, pause = untilNextTurn }: LookInit): Promise<string | undefined> {
  const looking = lookAtTable(bytes)
  for (;;) {
    const begun = performance.now()
    const { done, value } = looking.next()
    if (done === true) return value
    await pause(performance.now() - begun)
    signal?.throwIfAborted()
  }
}

function untilNextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
