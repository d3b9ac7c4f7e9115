import { defineSpecification, type Lens } from '@instar/simulator-runtime/check'
import { keys, lifetimes, limits, texts, values } from './arguments.js'
import upgrade, { expiryKey, type Stored } from './v2.js'

type Texts = Readonly<Record<string, string>>
export type Entries = Readonly<Record<string, Stored>>

export const entriesView: Lens<Entries> = {
  read: async state => Object.fromEntries(await state.sublevel<string, Stored>('entries').iterator().all()),
  write: async (entries, state) => {
    for (const [key, stored] of Object.entries(entries)) {
      await state.sublevel('entries').put(key, stored)
      if (stored.expiresAt !== undefined) await state.sublevel('expiry').put(expiryKey(key, stored.expiresAt), key)
    }
  }
}

/** Version 1 has the texts that last, and nothing else. */
export default defineSpecification(upgrade, {
  views: {
    old: {
      read: async (state): Promise<Texts> => Object.fromEntries(await state.iterator<string, string>().all()),
      write: async (old, state) => {
        for (const [key, text] of Object.entries(old)) await state.put(key, text)
      }
    },
    new: entriesView
  },
  invariant: (old, next) => {
    const wrong = Object.keys({ ...old, ...next }).find(key => old[key] !== textOf(next[key]))
    return wrong === undefined ? true : `${wrong} is not the same text at both versions, or no text that lasts at both`
  },
  map: old => Object.fromEntries(Object.entries(old).map(([key, value]) => [key, { value }])),
  shadows: {
    old: {
      put: (next, { args: [key, value] }) => ({ ...next, [key]: { value } }),
      delete: (next, { args: [key], result: wasThere }) => (wasThere ? without(next, key) : next)
    },
    new: {
      put: (old, { args: [key], after }) => {
        const text = textOf(after[key])
        return text === undefined ? without(old, key) : { ...old, [key]: text }
      },
      delete: (old, { args: [key] }) => without(old, key),
      sweep: old => old
    }
  },
  disallow: {
    // The past simulation object of the shadowed model may ask for so many entries and no more; the twin never refuses.
    old: { list: (_, { new: entries }) => (Object.keys(entries).length >= 1000 ? 'too many other entries' : undefined) }
  },
  arguments: {
    put: fc => fc.oneof(fc.tuple(keys(fc), texts(fc)), fc.tuple(keys(fc), values(fc), lifetimes(fc))),
    delete: fc => fc.tuple(keys(fc)),
    get: fc => fc.tuple(keys(fc)),
    list: fc => fc.tuple(fc.constantFrom('', 'a'), limits(fc)),
    sweep: fc => fc.tuple(limits(fc))
  }
})

/** What version 1 sees of an entry. */
function textOf(stored: Stored | undefined): string | undefined {
  return typeof stored?.value === 'string' && stored.expiresAt === undefined ? stored.value : undefined
}

export function without<T>(entries: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> {
  const { [key]: _, ...others } = entries
  return others
}
