// Version 1: a class is a contract and the code that implements it.
import { command, defineClass, defineContract, query, type ObjectContext } from '@instar/simulator-runtime'
import { z } from 'zod'

/** What callers may rely on. Arguments and results are validated, so write schemas as narrow as you mean them. */
export const counterV1 = defineContract('counter', {
  add: command(z.tuple([z.int()]), z.undefined()),
  total: query(z.tuple([]), z.int())
})

/** An instance lives for one request: whatever is to last goes into `ctx.state`. */
export class Counter {
  readonly #ctx: ObjectContext

  constructor(ctx: ObjectContext) {
    this.#ctx = ctx
  }

  async add(amount: number): Promise<undefined> {
    await this.#ctx.state.put('total', (await this.total()) + amount)
  }

  async total(): Promise<number> {
    return (await this.#ctx.state.get<string, number>('total')) ?? 0
  }
}

export default defineClass(counterV1, Counter)
