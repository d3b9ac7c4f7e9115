import { defineSpecification, type Lens } from '@instar/simulator-runtime/check'
import { contexts, keys, lifetimes, limits, values, versions } from './arguments.js'
import { entriesView, without, type Entries } from './v2.specification.js'
import { expiryKey, type Stored } from './v2.js'
import upgrade, { versionOfOld, type Write } from './v3.js'

export interface Writes {
  /** The number of the last one. */
  readonly version: number
  readonly writes: Readonly<Record<string, readonly Write[]>>
}

export const writesView: Lens<Writes> = {
  read: async state => ({
    version: (await state.get<string, number>('version')) ?? 0,
    writes: Object.fromEntries(await state.sublevel<string, readonly Write[]>('writes').iterator().all())
  }),
  write: async ({ version, writes }, state) => {
    if (version > 0) await state.put('version', version)
    for (const [key, each] of Object.entries(writes)) {
      await state.sublevel('writes').put(key, each)
      await indexExpiry(state, key, each)
    }
  }
}

export async function indexExpiry(
  state: Parameters<typeof writesView.write>[1],
  key: string,
  writes: readonly Write[]
) {
  for (const { version, expiresAt } of writes) {
    if (expiresAt !== undefined)
      await state.sublevel('expiry').put(expiryKey(key, expiresAt, version), { key, version })
  }
}

/** Version 2 has of each key what was written last. */
export default defineSpecification(upgrade, {
  views: { old: entriesView, new: writesView },
  invariant: (old, { writes }) => {
    const wrong = Object.keys({ ...old, ...writes }).find(key => !areSame(old[key], lastOf(writes, key)))
    return wrong === undefined ? true : `version 2 does not have what was written last under ${wrong}`
  },
  map: old => ({
    version: 0,
    writes: Object.fromEntries(Object.entries(old).map(([key, each]) => [key, [{ version: versionOfOld, ...each }]]))
  }),
  shadows: {
    old: {
      put: (next, { args: [key], after }) => insteadOfLast(next, key, after[key]),
      delete: (next, { args: [key] }) => (lastOf(next.writes, key) === undefined ? next : insteadOfLast(next, key)),
      sweep: (next, { result: keys }) => keys.reduce((swept, key) => insteadOfLast(swept, key), next)
    },
    new: {
      put: (old, { args: [key], after }) => asLast(old, key, after),
      delete: (old, { args: [key], after }) => asLast(old, key, after),
      resolve: (old, { args: [key], after }) => asLast(old, key, after),
      sweep: (old, { result, after }) => result.reduce((swept, { key }) => asLast(swept, key, after), old)
    }
  },
  arguments: {
    put: fc =>
      fc.oneof(
        fc.tuple(keys(fc), values(fc), lifetimes(fc)),
        fc.tuple(
          keys(fc),
          values(fc),
          fc.tuple(lifetimes(fc), contexts(fc)).map(([lifetime, context]) => ({ ...lifetime, context }))
        )
      ),
    delete: fc => fc.oneof(fc.tuple(keys(fc)), fc.tuple(keys(fc), contexts(fc))),
    resolve: fc => fc.tuple(keys(fc), versions(fc)),
    get: fc => fc.tuple(keys(fc)),
    list: fc => fc.tuple(fc.constantFrom('', 'a'), limits(fc)),
    sweep: fc => fc.tuple(limits(fc))
  }
})

function lastOf(writes: Writes['writes'], key: string): Write | undefined {
  return writes[key]?.at(-1)
}

/** A write of version 2: by somebody who has seen what was last, and nothing of what stands beside it. */
function insteadOfLast({ version, writes }: Writes, key: string, stored?: Stored): Writes {
  const after = [...(writes[key] ?? []).slice(0, -1), { version: version + 1, ...stored }]
  const isAnything = after.some(each => 'value' in each)
  return { version: version + 1, writes: isAnything ? { ...writes, [key]: after } : without(writes, key) }
}

/** What version 2 has after version 3 has written. */
function asLast(old: Entries, key: string, { writes }: Writes): Entries {
  const { version: _, value, expiresAt } = lastOf(writes, key) ?? { version: 0 }
  if (value === undefined) return without(old, key)
  return { ...old, [key]: { value, ...(expiresAt === undefined ? {} : { expiresAt }) } }
}

function areSame(a: Partial<Stored> | undefined, b: Partial<Stored> | undefined): boolean {
  return a?.value === b?.value && a?.expiresAt === b?.expiresAt
}
