// What must be true of the upgrade, apart from its code: `instar upgrade check` looks for a history of calls in which it is not.
import { defineSpecification } from '@instar/simulator-runtime/check'
import upgrade, { type Entry } from './counter-with-history.ts'

export default defineSpecification(upgrade, {
  // The states as plain values, both ways.
  views: {
    old: {
      read: async state => (await state.get<string, number>('total')) ?? 0,
      write: (total, state) => state.put('total', total)
    },
    new: {
      read: async state => (await state.get<string, Entry[]>('history')) ?? [],
      write: (history, state) => state.put('history', history)
    }
  },
  // How the two belong together, always.
  invariant: (total, history) => total === history.reduce((sum, entry) => sum + entry.amount, 0) || 'another total',
  // What an old state becomes.
  map: (total): Entry[] => (total === 0 ? [] : [{ amount: total, note: 'before version 2' }]),
  // What each command of one version means for the other.
  shadows: {
    old: { add: (history, { args: [amount] }) => [...history, { amount, note: '' }] },
    new: { add: (total, { args: [amount] }) => total + amount }
  }
})
