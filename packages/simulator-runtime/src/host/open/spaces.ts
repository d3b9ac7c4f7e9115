import type { StateMeta, StateSpaces } from '@instar/core'
import { toBytes, type ByteKey } from '../state/layer.js'
import type { Database } from '../state/merged-entries.js'
import { afterPrefix } from '../state/view.js'

const dataPrefix: ByteKey = 'd!'
const deletedAtOnce = 2000

export function prefixOf(space: string): ByteKey {
  return `${dataPrefix}${space}!`
}

/** A key without the prefix of its space. */
export function withinSpace(key: ByteKey): ByteKey {
  return key.slice(key.indexOf('!', dataPrefix.length) + 1)
}

/** What the build of a space notes for itself: a space that is never named, and goes with the other left-overs. */
export function notesPrefixOf(space: string): ByteKey {
  return prefixOf(`${space}.notes`)
}

/**
 * Names spaces for one attempt at building a state. The name holds a number drawn for the attempt: what a killed attempt left can then
 * never show in a later one, not even where a power loss takes back its deletion.
 */
export function spaceNamer(
  generation: number,
  random: () => number
): (role: 'object' | 'past' | 'future', revision: number) => string {
  const attempt = Math.floor(random() * 0x1_0000_0000).toString(36)
  return (role, revision) => `${generation}.${attempt}.${role}.${revision}`
}

export function spacesOf(meta: StateMeta): ReadonlySet<string> {
  const list = (spaces: StateSpaces): string[] => [
    spaces.object,
    ...Object.values(spaces.past),
    ...Object.values(spaces.future)
  ]
  const { before, prepared, walked, kept = [] } = meta
  return new Set([
    ...list(meta.spaces),
    ...(before === undefined ? [] : list(before.spaces)),
    ...kept.flatMap(each => list(each.spaces)),
    ...(prepared === undefined ? [] : [prepared.object, prepared.past]),
    ...(walked === undefined ? [] : spacesOf(walked.meta))
  ])
}

/**
 * Deletes every space that is not named, some entries at a time with a pause between. Stops when `signal` aborts.
 *
 * @param isNamed asked when a space's turn comes
 */
export async function deleteOtherSpaces(
  db: Database,
  isNamed: (space: string) => boolean,
  options: {
    readonly signal: AbortSignal
    readonly pause: () => Promise<void>
    /** Makes each write, where commands write there too. */
    readonly aside?: (write: () => Promise<void>) => Promise<void>
  }
): Promise<number> {
  const { aside = (write: () => Promise<void>) => write() } = options
  let deleted = 0
  let from = dataPrefix
  for (;;) {
    const space = options.signal.aborted ? undefined : await nextSpace(db, from)
    if (space === undefined) return deleted
    const prefix = prefixOf(space)
    from = afterPrefix(prefix)
    if (isNamed(space)) continue
    deleted++
    const range = { gte: toBytes(prefix), lt: toBytes(from) }
    while ((await db.keys({ ...range, limit: 1 }).all()).length > 0) {
      if (options.signal.aborted) return deleted
      await aside(() => db.clear({ ...range, limit: deletedAtOnce }))
      await options.pause()
    }
  }
  return deleted
}

async function nextSpace(db: Database, from: ByteKey): Promise<string | undefined> {
  const [key] = await db.keys({ gte: toBytes(from), lt: toBytes(afterPrefix(dataPrefix)), limit: 1 }).all()
  if (key === undefined) return undefined
  const text = key.toString('latin1', dataPrefix.length)
  return text.slice(0, text.indexOf('!'))
}
