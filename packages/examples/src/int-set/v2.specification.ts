import { defineSpecification, type Lens, type SpecificationInit } from '@instar/simulator-runtime/check'
import { colours, type colorSet, type Colour, type intSet } from './contracts.js'
import upgrade from './v2.js'

/** By element. */
export type Colours = Readonly<Record<string, Colour>>

const elements: Lens<readonly string[]> = {
  read: state => state.sublevel('items').keys().all(),
  write: async (old, state) => {
    for (const x of old) await state.sublevel('items').put(x, true)
    if (old.length > 0) await state.put('size', old.length)
  }
}

export const coloursView: Lens<Colours> = {
  read: async state => Object.fromEntries(await state.sublevel<string, Colour>('items').iterator().all()),
  write: async (next, state) => {
    for (const [x, color] of Object.entries(next)) await state.sublevel('items').put(x, color)
  }
}

type Init = SpecificationInit<typeof intSet, typeof colorSet, readonly string[], Colours>

/** x is in the old set if and only if it has a colour in the new one. The same for every model of the upgrade. */
export const init: Init = {
  views: { old: elements, new: coloursView },
  invariant: (old, next) => old.toSorted().join() === Object.keys(next).sort().join() || 'the sets are not the same',
  map: old => Object.fromEntries(old.map(x => [x, 'blue'])),
  shadows: {
    old: {
      insert: (next, { args: [x] }) => ({ [x]: 'blue', ...next }),
      delete: (next, { args: [x] }) => without(next, x)
    },
    new: {
      insertColor: (old, { args: [x] }) => [...new Set([...old, String(x)])].sort(),
      delete: (old, { args: [x] }) => old.filter(each => each !== String(x))
    }
  },
  arguments: {
    insert: fc => fc.tuple(fc.constantFrom(1, 2, 3)),
    insertColor: fc => fc.tuple(fc.constantFrom(1, 2, 3), fc.constantFrom(...colours)),
    delete: fc => fc.tuple(fc.constantFrom(1, 2, 3)),
    contains: fc => fc.tuple(fc.constantFrom(1, 2, 3)),
    getColor: fc => fc.tuple(fc.constantFrom(1, 2, 3))
  }
}

/** The direct simulation objects cannot keep everything true, so they refuse. Those of the other models must not. */
export default defineSpecification(upgrade, {
  ...init,
  disallow: {
    old: { size: 'a colour set cannot say how many elements it has' },
    new: { insertColor: ([, color]) => (color === 'blue' ? undefined : 'only blue can be kept') }
  }
})

function without(next: Colours, x: number): Colours {
  const { [x]: _, ...others } = next
  return others
}
