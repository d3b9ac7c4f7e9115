import type { EntriesTransform } from '../../definition/entries.js'
import type { ReverseEntries } from '../../definition/reverse.js'
import type { Mapping, MappingReads, MappingWrites } from '../../definition/twin.js'
import { withinSpace } from '../open/spaces.js'
import type { Access } from '../state/access.js'
import type { ByteKey, Layer } from '../state/layer.js'
import { View } from '../state/view.js'
import { EntryOfState } from './mapped-entry.js'

/** Where a state is built entry by entry, from which states, and by which function (§8). Keys are whole: they begin with their space. */
export interface Ground {
  /** Prefixes of the states whose entries are taken, in this order. */
  readonly sources: readonly ByteKey[]
  /** Where it is noted who wrote what; of no use once the state is complete. */
  readonly notes: ByteKey
  /** What the new states begin with: what an entry gives up becomes that again. */
  readonly initial: Layer
  /** The key that an entry is expected to write, and alone; only what is otherwise has to be noted. */
  homeOf(source: ByteKey): ByteKey | undefined
  /** The other way. */
  sourceOf(home: ByteKey): ByteKey | undefined
  /** What an entry is expected to read: it is made again when this changes, and the reading need not be remembered. */
  besideOf(source: ByteKey): ByteKey | undefined
  /** The author's function: writes what an entry amounts to. */
  apply(source: ByteKey, value: Buffer, states: { readonly old: Access; readonly made: Access }): void | Promise<void>
}

/** The prefixes of a build: of the state that is read, of the one that is made, and of its notes. */
export interface BuildPrefixes {
  readonly old: ByteKey
  readonly new: ByteKey
  readonly notes: ByteKey
}

/** A twin's state from the one that it stands on. */
export function groundOfTwin(map: Mapping, prefixes: BuildPrefixes, initial: Layer): Ground {
  return {
    ...homes(prefixes),
    besideOf: () => undefined,
    sources: [prefixes.old],
    notes: prefixes.notes,
    initial,
    apply: (source, value, { old, made }) =>
      map(new EntryOfState(withinSpace(source), value), {
        oldState: readsOf(old, prefixes.old),
        newState: writesOf(made, prefixes.new)
      })
  }
}

/** The new object's and the past simulation object's state from the old object's and the future simulation object's. */
export function groundOfEntries(
  { entries, futureEntries }: EntriesTransform,
  prefixes: BuildPrefixes & { readonly future: ByteKey; readonly past: ByteKey },
  initial: Layer
): Ground {
  return {
    ...homes(prefixes),
    // What both versions know of one thing mostly has one key.
    besideOf: source => moved(source, prefixes.old, prefixes.future) ?? moved(source, prefixes.future, prefixes.old),
    sources: futureEntries === undefined ? [prefixes.old] : [prefixes.old, prefixes.future],
    notes: prefixes.notes,
    initial,
    apply: (source, value, { old, made }) => {
      const transform = source.startsWith(prefixes.old) ? entries : futureEntries
      return transform?.(new EntryOfState(withinSpace(source), value), {
        oldState: readsOf(old, prefixes.old),
        futureState: readsOf(old, prefixes.future),
        newState: writesOf(made, prefixes.new),
        pastState: writesOf(made, prefixes.past)
      })
    }
  }
}

/** The old object's state from the new object's and the past simulation object's: the way back. */
export function groundOfReverse(
  { entries, pastEntries }: ReverseEntries,
  prefixes: BuildPrefixes & { readonly past: ByteKey },
  initial: Layer
): Ground {
  // What is read is the new state here, and what is made the old one.
  const { new: source, old: made, past, notes } = prefixes
  return {
    ...homes({ old: source, new: made, notes }),
    besideOf: key => moved(key, source, past) ?? moved(key, past, source),
    sources: pastEntries === undefined ? [source] : [source, past],
    notes,
    initial,
    apply: (key, value, access) => {
      const transform = key.startsWith(source) ? entries : pastEntries
      return transform?.(new EntryOfState(withinSpace(key), value), {
        newState: readsOf(access.old, source),
        pastState: readsOf(access.old, past),
        oldState: writesOf(access.made, made)
      })
    }
  }
}

/** An entry is at home where it has the same key in the new state. */
function homes({ old, new: made }: BuildPrefixes): Pick<Ground, 'homeOf' | 'sourceOf'> {
  return { homeOf: source => moved(source, old, made), sourceOf: home => moved(home, made, old) }
}

function moved(key: ByteKey, from: ByteKey, to: ByteKey): ByteKey | undefined {
  return key.startsWith(from) ? to + key.slice(from.length) : undefined
}

function readsOf(access: Access, prefix: ByteKey): MappingReads {
  return new View(access, prefix) as MappingReads
}

function writesOf(access: Access, prefix: ByteKey): MappingWrites {
  return new View(access, prefix) as MappingWrites
}
