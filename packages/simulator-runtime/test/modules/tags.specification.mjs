import { defineSpecification } from '@instar/simulator-runtime/check'
import upgrade from './tags.mjs'

export default defineSpecification(upgrade, {
  views: {
    old: {
      read: async state => new Set(await state.keys().all()),
      write: async (set, state) => {
        for (const name of set) await state.put(name, true)
      }
    },
    new: {
      read: async state => new Map(await state.iterator().all()),
      write: async (map, state) => {
        for (const [name, number] of map) await state.put(name, number)
      }
    }
  },
  invariant: (set, map) => [...set].sort().join() === [...map.keys()].sort().join() || 'other names',
  map: set => new Map([...set].map(name => [name, 0])),
  shadows: {
    old: { add: (map, { args: [name] }) => (map.has(name) ? map : new Map(map).set(name, 0)) },
    new: { tag: (set, { args: [name] }) => new Set(set).add(name) }
  }
})
