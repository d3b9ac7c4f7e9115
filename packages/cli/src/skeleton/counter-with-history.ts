// Version 2: the counter remembers what was added. Peers upgrade one after the other, so for a while both versions are called everywhere.
// A twin is the short way to answer both: each class on full state of its own, and for every command of one version a shadow in the other.
import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type ObjectContext,
  type Shadowed
} from '@instar/simulator-runtime'
import { z } from 'zod'
import { Counter, counterV1 } from './counter.ts'

export const counterV2 = defineContract('counter', {
  add: command(z.tuple([z.int(), z.string()]), z.undefined()),
  total: query(z.tuple([]), z.int()),
  history: query(z.tuple([]), z.array(z.object({ amount: z.int(), note: z.string() })))
})

export interface Entry {
  readonly amount: number
  readonly note: string
}

class CounterWithHistory {
  readonly #ctx: ObjectContext

  constructor(ctx: ObjectContext) {
    this.#ctx = ctx
  }

  async add(amount: number, note: string): Promise<undefined> {
    const history = await this.history()
    await this.#ctx.state.put('history', [...history, { amount, note }])
  }

  async total(): Promise<number> {
    return (await this.history()).reduce((sum, entry) => sum + entry.amount, 0)
  }

  async history(): Promise<Entry[]> {
    return (await this.#ctx.state.get<string, Entry[]>('history')) ?? []
  }
}

/** Version 2 where version 1 runs: the new class, told of every command of the old one in the same atomic step. */
class FutureCounter extends CounterWithHistory {
  /** Does here what `add` of version 1 means, and says which calls of version 2 that is. */
  async $add({ args: [amount] }: Shadowed<typeof counterV1, 'add'>) {
    await this.add(amount, '')
    return [callsOf(counterV2).add(amount, '')]
  }
}

/** Version 1 where version 2 runs: the old class, told of every command of the new one. */
class PastCounter extends Counter {
  async $add({ args: [amount] }: Shadowed<typeof counterV2, 'add'>) {
    await this.add(amount)
    return [callsOf(counterV1).add(amount)]
  }
}

export default defineUpgrade({
  from: counterV1,
  to: defineClass(counterV2, CounterWithHistory),
  twin: {
    /** What each entry of the old state becomes, when version 2 is introduced; made again for entries that change meanwhile. */
    map: async ({ value: total }, { newState }) => {
      if (total !== 0) await newState.put('history', [{ amount: total, note: 'before version 2' }])
    },
    future: FutureCounter,
    past: PastCounter
  }
})
