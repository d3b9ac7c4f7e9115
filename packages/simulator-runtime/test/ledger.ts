import { z } from 'zod'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  Disallowed,
  Failed,
  query,
  type ObjectContext,
  type SimulationContext
} from '../src/index.js'

/** A class that can do everything wrong, for tests: two accounts whose sum is always 100. */
export const ledger = defineContract('Ledger', {
  move: command(z.tuple([z.int()]), z.int()),
  both: query(z.tuple([]), z.tuple([z.int(), z.int()])),
  failAfterWriting: command(z.tuple([z.enum(['failed', 'disallowed', 'bug'])]), z.void()),
  answerWrongly: command(z.tuple([]), z.int()),
  hang: command(z.tuple([]), z.void()),
  hangQuery: query(z.tuple([]), z.void()),
  writeInQuery: query(z.tuple([]), z.void()),
  callPeer: command(z.tuple([]), z.void()),
  askPeer: query(z.tuple([]), z.unknown()),
  large: command(z.tuple([z.int()]), z.string()),
  moment: query(z.tuple([]), z.array(z.number()))
})

/** What hanging calls saw, outside of any instance. */
export const late: { write: Promise<unknown> | undefined; release: () => void; aborted: boolean } = {
  write: undefined,
  release: () => undefined,
  aborted: false
}

class Ledger {
  constructor(readonly ctx: ObjectContext) {}

  async move(amount: number): Promise<number> {
    const [a, b] = await this.both()
    await this.ctx.state.put('a', a - amount)
    await new Promise(resolve => setImmediate(resolve))
    await this.ctx.state.put('b', b + amount)
    return a - amount
  }

  async both(): Promise<[number, number]> {
    const a = (await this.ctx.state.get<string, number>('a')) ?? 50
    await new Promise(resolve => setImmediate(resolve))
    return [a, (await this.ctx.state.get<string, number>('b')) ?? 50]
  }

  async failAfterWriting(how: string): Promise<void> {
    await this.ctx.state.put('a', -1)
    if (how === 'failed') throw new Failed('no more money')
    if (how === 'disallowed') throw new Disallowed('not here')
    throw new Error('a bug')
  }

  async answerWrongly(): Promise<number> {
    await this.ctx.state.put('a', -1)
    return 'text' as unknown as number
  }

  async hang(): Promise<void> {
    await this.ctx.state.put('a', -1)
    await new Promise<void>(resolve => (late.release = resolve))
    late.write = this.ctx.state.put('a', -2)
    await late.write
  }

  async hangQuery(): Promise<void> {
    this.ctx.signal.addEventListener('abort', () => (late.aborted = true))
    await new Promise(() => undefined)
  }

  writeInQuery(): Promise<void> {
    return this.ctx.state.put('a', -1)
  }

  async callPeer(): Promise<void> {
    await this.ctx.state.put('a', -1)
    await this.ctx.peer('other', ledger).both()
  }

  askPeer(): Promise<unknown> {
    return this.ctx.peer('other', ledger).both()
  }

  async large(characters: number): Promise<string> {
    await this.move(1)
    return 'x'.repeat(characters)
  }

  moment(): number[] {
    return [this.ctx.now(), this.ctx.now(), this.ctx.random(), this.ctx.random()]
  }
}

export const ledgerV1 = defineClass(ledger, Ledger, {
  initialize: async state => {
    await state.put('a', 50)
    await state.put('b', 50)
  }
})

/** Version 2, all through its delegate. */
export const ledger2 = defineContract('Ledger', {
  both: ledger.methods.both,
  moveTwice: command(z.tuple([z.int()]), z.int()),
  swallow: command(z.tuple([]), z.int()),
  forget: command(z.tuple([]), z.void()),
  hang: command(z.tuple([]), z.void()),
  commandInQuery: query(z.tuple([]), z.void()),
  badArguments: query(z.tuple([]), z.void()),
  sameMoment: query(z.tuple([]), z.boolean()),
  count: query(z.tuple([]), z.int())
})

class FutureLedger {
  constructor(readonly ctx: SimulationContext<typeof ledger>) {}

  both() {
    return this.ctx.delegate.both()
  }

  async moveTwice(amount: number): Promise<number> {
    await this.ctx.state.put('count', 1 + (await this.count()))
    // Both at once: each must still see what the other left.
    await Promise.all([this.ctx.delegate.move(amount), this.ctx.delegate.move(amount)])
    if (amount > 50) throw new Failed('too much')
    return this.count()
  }

  async swallow(): Promise<number> {
    await this.ctx.state.put('count', 1 + (await this.count()))
    await this.ctx.delegate.failAfterWriting('bug').catch(() => undefined)
    return this.count()
  }

  async forget(): Promise<void> {
    void this.ctx.delegate.move(1).catch(() => undefined)
  }

  hang(): Promise<void> {
    return new Promise(() => undefined)
  }

  async commandInQuery(): Promise<void> {
    await this.ctx.delegate.move(1)
  }

  async badArguments(): Promise<void> {
    await this.ctx.delegate.move('1' as unknown as number)
  }

  async sameMoment(): Promise<boolean> {
    return this.ctx.now() === this.ctx.now()
  }

  async count(): Promise<number> {
    return (await this.ctx.state.get<string, number>('count')) ?? 0
  }
}

class LedgerTwo {
  constructor(readonly ctx: ObjectContext) {}
  both(): [number, number] {
    return [0, 0]
  }
  moveTwice = undefined as never
  swallow = undefined as never
  forget = undefined as never
  hang = undefined as never
  commandInQuery = undefined as never
  badArguments = undefined as never
  sameMoment = undefined as never
  count = undefined as never
}
for (const name of Object.keys(ledger2.methods)) {
  if (name !== 'both') Object.defineProperty(LedgerTwo.prototype, name, { value: () => undefined })
}

export const ledgerV2 = defineUpgrade({ from: ledger, to: defineClass(ledger2, LedgerTwo), future: FutureLedger })
