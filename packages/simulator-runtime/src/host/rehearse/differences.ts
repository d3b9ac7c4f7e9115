import { open, opendir, lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { StateSpaces } from '@instar/core'
import { shown } from '../build/mapping-run.js'
import { findDirectory } from '../directory/directories.js'
import { prefixOf } from '../open/spaces.js'
import { storedEntries, type Database } from '../state/merged-entries.js'
import { afterPrefix } from '../state/view.js'
import type { Place } from './examine-state.js'

/** What two runs of one transform have built differently. */
export interface Differences {
  readonly count: number
  /** The first few, in words. */
  readonly named: readonly string[]
}

const namedMax = 10
const chunkBytes = 64 * 1024

/** Compares what two runs have built, entry by entry and file by file. */
export async function differencesOf(
  place: Place,
  first: StateSpaces,
  second: StateSpaces,
  signal: AbortSignal
): Promise<Differences> {
  const found = { count: 0, named: [] as string[] }
  const add = (what: string): void => {
    if (found.count++ < namedMax) found.named.push(what)
  }
  for (const [of, one, other] of pairsOf(first, second)) {
    // What was carried over as it is.
    if (one === other) continue
    const tell = (what: string): void => add(of === 'object' ? what : `${what} of the ${of}`)
    await compareEntries(place.db, one, other, tell, signal)
    await compareFiles(
      await findDirectory(place.directory, one),
      await findDirectory(place.directory, other),
      tell,
      signal
    )
  }
  return found
}

/** The states of the same façade in both, which have the same façades: they come from one plan. */
function pairsOf(first: StateSpaces, second: StateSpaces): Array<[of: string, one: string, other: string]> {
  const pairs: Array<[string, string, string]> = [['object', first.object, second.object]]
  for (const side of ['past', 'future'] as const) {
    for (const [revision, one] of Object.entries(first[side])) {
      const other = second[side][revision]
      if (other !== undefined) pairs.push([`${side} simulation object of version ${revision}`, one, other])
    }
  }
  return pairs
}

type Tell = (what: string) => void

/** Both in order of their keys, side by side. */
async function compareEntries(
  db: Database,
  one: string,
  other: string,
  tell: Tell,
  signal: AbortSignal
): Promise<void> {
  const a = entriesIn(db, one)
  const b = entriesIn(db, other)
  try {
    let [left, right] = [await a.next(), await b.next()]
    while (left !== undefined || right !== undefined) {
      signal.throwIfAborted()
      const order =
        left === undefined ? 1 : right === undefined ? -1 : left.key < right.key ? -1 : left.key > right.key ? 1 : 0
      const key = shown(prefixOf(one) + ((order <= 0 ? left?.key : right?.key) ?? ''))
      if (order < 0) tell(`the entry ${key} is built by the first run only`)
      else if (order > 0) tell(`the entry ${key} is built by the second run only`)
      else if (left?.value.equals(right?.value ?? Buffer.of()) !== true)
        tell(`the entry ${key} is built with another value`)
      if (order <= 0) left = await a.next()
      if (order >= 0) right = await b.next()
    }
  } finally {
    await a.close()
    await b.close()
  }
}

function entriesIn(db: Database, space: string) {
  const prefix = prefixOf(space)
  const range = { lower: prefix, lowerInside: true, upper: afterPrefix(prefix), upperInside: false }
  const source = storedEntries(db, range, { reverse: false, limit: -1 })
  let part: Array<[string, Buffer]> = []
  let at = 0
  return {
    async next(): Promise<{ readonly key: string; readonly value: Buffer } | undefined> {
      if (at === part.length) {
        part = await source.next(500)
        at = 0
      }
      const entry = part[at++]
      return entry === undefined ? undefined : { key: entry[0].slice(prefix.length), value: entry[1] }
    },
    close: () => source.close()
  }
}

async function compareFiles(
  one: string | undefined,
  other: string | undefined,
  tell: Tell,
  signal: AbortSignal
): Promise<void> {
  if (one === undefined || other === undefined) return
  const [a, b] = [await pathsIn(one), await pathsIn(other)]
  for (const path of new Set([...a.keys(), ...b.keys()])) {
    signal.throwIfAborted()
    const kind = a.get(path)
    if (kind === undefined) tell(`the file ${path} is built by the second run only`)
    else if (!b.has(path)) tell(`the file ${path} is built by the first run only`)
    else if (kind !== b.get(path) || !(await isSame(kind, join(one, path), join(other, path))))
      tell(`the file ${path} is built with other contents`)
  }
}

type Kind = 'file' | 'folder' | 'link'

async function pathsIn(root: string, folder = '', found = new Map<string, Kind>()): Promise<ReadonlyMap<string, Kind>> {
  for await (const each of await opendir(join(root, folder))) {
    const path = join(folder, each.name)
    found.set(path, each.isDirectory() ? 'folder' : each.isSymbolicLink() ? 'link' : 'file')
    if (each.isDirectory()) await pathsIn(root, path, found)
  }
  return found
}

async function isSame(kind: Kind, one: string, other: string): Promise<boolean> {
  if (kind === 'folder') return true
  if (kind === 'link') return (await readlink(one)) === (await readlink(other))
  if ((await lstat(one)).size !== (await lstat(other)).size) return false
  const a = await open(one, 'r')
  try {
    const b = await open(other, 'r')
    try {
      const [left, right] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)]
      for (let at = 0; ; at += chunkBytes) {
        const { bytesRead } = await a.read(left, 0, chunkBytes, at)
        await b.read(right, 0, chunkBytes, at)
        if (!left.subarray(0, bytesRead).equals(right.subarray(0, bytesRead))) return false
        if (bytesRead < chunkBytes) return true
      }
    } finally {
      await b.close()
    }
  } finally {
    await a.close()
  }
}
