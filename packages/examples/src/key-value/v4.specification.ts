import { defineSpecification, type Lens } from '@instar/simulator-runtime/check'
import { contexts, keys, lifetimes, limits, values, versions } from './arguments.js'
import { indexExpiry, writesView, type Writes } from './v3.specification.js'
import { timeKey, type Stored } from './v2.js'
import type { Write } from './v3.js'
import upgrade from './v4.js'

const apartView: Lens<Writes> = {
  read: async state => {
    const writes: Record<string, Write[]> = {}
    for await (const [at, value] of state.sublevel<string, Partial<Stored>>('values').iterator()) {
      const [key = '', version] = at.split(' ')
      const ofKey = (writes[key] ??= [])
      ofKey.push({ version: Number(version), ...value })
    }
    return { version: (await state.get<string, number>('version')) ?? 0, writes }
  },
  write: async ({ version, writes }, state) => {
    if (version > 0) await state.put('version', version)
    for (const [key, each] of Object.entries(writes)) {
      for (const { version, ...value } of each) await state.sublevel('values').put(`${key} ${timeKey(version)}`, value)
      if (each.length > 1) await state.sublevel('conflicts').put(key, each.length)
      await indexExpiry(state, key, each)
    }
  }
}

const same = (_: Writes, { after }: { readonly after: Writes }): Writes => after

/** Both versions have the same; only where it lies differs. */
export default defineSpecification(upgrade, {
  views: { old: writesView, new: apartView },
  invariant: (old, next) => JSON.stringify(old) === JSON.stringify(next) || 'the versions have not the same writes',
  map: old => old,
  shadows: {
    old: { put: same, delete: same, resolve: same, sweep: same },
    new: { put: same, delete: same, resolve: same, sweep: same }
  },
  arguments: {
    put: fc =>
      fc.tuple(
        keys(fc),
        values(fc),
        fc.tuple(lifetimes(fc), contexts(fc)).map(([lifetime, context]) => ({ ...lifetime, context }))
      ),
    delete: fc => fc.tuple(keys(fc), contexts(fc)),
    resolve: fc => fc.tuple(keys(fc), versions(fc)),
    get: fc => fc.tuple(keys(fc)),
    list: fc => fc.tuple(fc.constantFrom('', 'a'), limits(fc)),
    conflicts: fc => fc.tuple(fc.constantFrom('', 'a'), limits(fc)),
    sweep: fc => fc.tuple(limits(fc))
  }
})
