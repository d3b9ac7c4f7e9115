// Version 2: the counter remembers what was added. Peers upgrade one after the other, so for a while both versions are called everywhere:
// the future simulation object serves version 2 where version 1 still runs, the past one serves version 1 where version 2 runs already.
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type ObjectContext,
  type SimulationContext,
  type TransformStates
} from '@instar/simulator-runtime'
import { z } from 'zod'
import { counterV1 } from './counter.js'

export const counterV2 = defineContract('counter', {
  add: command(z.tuple([z.int(), z.string()]), z.undefined()),
  total: query(z.tuple([]), z.int()),
  history: query(z.tuple([]), z.array(z.object({ amount: z.int(), note: z.string() })))
})

interface Entry {
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

/** Version 2 over a version-1 object: `delegate` is that object. */
class FutureCounter {
  readonly #ctx: SimulationContext<typeof counterV1>

  constructor(ctx: SimulationContext<typeof counterV1>) {
    this.#ctx = ctx
  }

  /** The old object has no place for the note, so it would be lost; see `disallow` below for calls that cannot be kept true. */
  async add(amount: number, _note: string): Promise<undefined> {
    await this.#ctx.delegate.add(amount)
  }

  async total(): Promise<number> {
    return this.#ctx.delegate.total()
  }
}

/** Version 1 over a version-2 object. */
class PastCounter {
  readonly #ctx: SimulationContext<typeof counterV2>

  constructor(ctx: SimulationContext<typeof counterV2>) {
    this.#ctx = ctx
  }

  async add(amount: number): Promise<undefined> {
    await this.#ctx.delegate.add(amount, '')
  }

  async total(): Promise<number> {
    return this.#ctx.delegate.total()
  }
}

/** Builds the new state beside the old one, which it only reads. May be interrupted and started again. */
async function transform({ oldState, newState }: TransformStates): Promise<void> {
  const amount = (await oldState.get<string, number>('total')) ?? 0
  await newState.put('history', amount === 0 ? [] : [{ amount, note: 'before version 2' }])
}

export default defineUpgrade({
  from: counterV1,
  to: defineClass(counterV2, CounterWithHistory),
  future: {
    implementation: FutureCounter,
    // A call that cannot be answered truthfully is refused with a reason; callers see it as Disallowed.
    disallow: { history: 'version 1 keeps no history; ask a peer that has upgraded' }
  },
  past: PastCounter,
  transform
})
