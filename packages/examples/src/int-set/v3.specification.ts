import { defineSpecification, type Lens, type SpecificationInit } from '@instar/simulator-runtime/check'
import type { colorSet, Colour, countingColorSet } from './contracts.js'
import { coloursView, init as initV2, type Colours } from './v2.specification.js'
import upgrade from './v3.js'

const countedView: Lens<Colours> = {
  read: coloursView.read,
  write: async (next, state) => {
    await coloursView.write(next, state)
    const counts = state.sublevel<Colour, number>('counts')
    for (const color of Object.values(next)) await counts.put(color, ((await counts.get(color)) ?? 0) + 1)
  }
}

type Init = SpecificationInit<typeof colorSet, typeof countingColorSet, Colours, Colours>

const same = (_: Colours, { after }: { readonly after: Colours }): Colours => after

export const init: Init = {
  views: { old: coloursView, new: countedView },
  invariant: (old, next) => show(old) === show(next) || 'the sets are not the same',
  map: old => old,
  shadows: { old: { insertColor: same, delete: same }, new: { insertColor: same, delete: same } },
  arguments: initV2.arguments ?? {}
}

/** A version that counts only when it runs refuses to count before. */
export default defineSpecification(upgrade, { ...init, disallow: { new: { countByColor: 'counting has not begun' } } })

function show(set: Colours): string {
  return JSON.stringify(Object.entries(set).sort())
}
