import { CallError } from '@instar/core'
import { z } from 'zod'
import type { OutgoingCall } from '../src/host/host-runtime.js'
import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  Failed,
  flow,
  query,
  type ObjectContext,
  type Shadowed,
  type SimulationContext,
  type StateView,
  type TransformStates
} from '../src/index.js'
import type { TestObject } from '../src/testing/index.js'

const amount = z.int()
const methods = {
  deposit: command(z.tuple([amount]), amount),
  balance: query(z.tuple([]), amount),
  /** What was deposited, in order. */
  deposits: query(z.tuple([]), z.array(amount)),
  /** Takes the sum, and sends each amount. */
  pay: command(z.tuple([z.string(), z.array(amount)]), amount),
  payAndFail: command(z.tuple([z.string(), amount]), z.void()),
  sendInQuery: query(z.tuple([]), z.void()),
  /** Withdraws here, deposits there, and says what it reads on both sides. */
  transfer: flow(z.tuple([z.string(), amount]), z.object({ here: amount, there: amount })),
  /** Deposits there, and withdraws here afterwards. */
  payInSteps: flow(z.tuple([z.string(), amount]), amount),
  /** Waits for another peer until it is told to stop. */
  watch: flow(z.tuple([z.string()]), z.string()),
  peek: flow(z.tuple([z.string()]), amount),
  readInFlow: flow(z.tuple([]), z.void()),
  selfInCommand: command(z.tuple([]), z.void())
}

export const bank = defineContract('Bank', methods)
export const bank2 = defineContract('Bank', {
  ...methods,
  /** Pays through the delegate, which fails, and then sends itself. */
  payBySelf: command(z.tuple([z.string(), amount]), z.void()),
  /** A flow of two payments. */
  payTwice: flow(z.tuple([z.string(), amount]), amount)
})

class Bank {
  constructor(readonly ctx: ObjectContext) {}

  async deposit(x: number): Promise<number> {
    await this.ctx.state.put('deposits', [...(await this.deposits()), x])
    return this.add(x)
  }

  async balance(): Promise<number> {
    return (await this.ctx.state.get<string, number>('balance')) ?? 0
  }

  async deposits(): Promise<number[]> {
    return (await this.ctx.state.get<string, number[]>('deposits')) ?? []
  }

  async pay(peer: string, amounts: number[]): Promise<number> {
    for (const each of amounts) this.ctx.after(peer, bank).deposit(each)
    return this.add(-amounts.reduce((a, b) => a + b, 0))
  }

  async payAndFail(peer: string, x: number): Promise<void> {
    await this.pay(peer, [x])
    throw new Failed('after it has sent')
  }

  async sendInQuery(): Promise<void> {
    this.ctx.after('other', bank).deposit(1)
    await Promise.resolve()
  }

  async transfer(peer: string, x: number): Promise<{ here: number; there: number }> {
    const here = await this.ctx.self(bank).deposit(-x)
    return { here, there: await this.ctx.peer(peer, bank).deposit(x) }
  }

  async payInSteps(peer: string, x: number): Promise<number> {
    await this.ctx.peer(peer, bank).deposit(x)
    return this.ctx.self(bank).deposit(-x)
  }

  async watch(peer: string): Promise<string> {
    const told = new Promise<string>(resolve => {
      this.ctx.signal.addEventListener('abort', () => resolve('told'))
    })
    const answered = this.ctx.peer(peer, bank).balance()
    return Promise.race([told, answered.then(() => 'answered')])
  }

  async peek(peer: string): Promise<number> {
    return this.ctx.peer(peer, bank).balance()
  }

  async readInFlow(): Promise<void> {
    await this.ctx.state.get('balance')
  }

  async selfInCommand(): Promise<void> {
    await this.ctx.self(bank).balance()
  }

  async add(x: number): Promise<number> {
    const balance = (await this.balance()) + x
    await this.ctx.state.put('balance', balance)
    return balance
  }
}

class Bank2 extends Bank {
  async payBySelf(peer: string, x: number): Promise<void> {
    await this.pay(peer, [x])
  }

  async payTwice(peer: string, x: number): Promise<number> {
    await this.ctx.self(bank2).pay(peer, [x])
    return this.ctx.self(bank2).pay(peer, [x])
  }
}

/** Leaves everything that both versions have to its delegate. */
class Forwarder {
  constructor(readonly ctx: SimulationContext<typeof bank>) {}
}

for (const name of Object.keys(methods) as Array<keyof typeof methods>) {
  Object.defineProperty(Forwarder.prototype, name, {
    value(this: Forwarder, ...args: unknown[]) {
      return (this.ctx.delegate[name] as (...args: unknown[]) => unknown)(...args)
    }
  })
}

/** Counts in its own state what it was told of, and says so for its balance. */
class ShadowedBank2 extends Forwarder {
  async payBySelf(peer: string, x: number): Promise<void> {
    await this.ctx.delegate.payAndFail(peer, x).catch(() => undefined)
    this.ctx.after(peer, bank2).deposit(x)
  }

  async payTwice(peer: string, x: number): Promise<number> {
    await this.ctx.delegate.pay(peer, [x])
    return this.ctx.delegate.pay(peer, [x])
  }

  async $deposit(call: Shadowed<typeof bank, 'deposit'>) {
    if (call.args[0] === 666) this.ctx.after('other', bank2).deposit(1)
    await this.#count()
    return []
  }

  async $pay() {
    await this.#count()
    return []
  }

  async $payAndFail() {
    await Promise.resolve()
    return []
  }

  async $selfInCommand() {
    await Promise.resolve()
    return []
  }

  async balance(): Promise<number> {
    return (await this.ctx.state.get<string, number>('told')) ?? 0
  }

  async #count(): Promise<void> {
    await this.ctx.state.put('told', (await this.balance()) + 1)
  }
}

export const bankV1 = defineClass(bank, Bank)
export const bankV2 = defineUpgrade({
  from: bank,
  to: defineClass(bank2, Bank2),
  future: { model: 'shadowed', implementation: ShadowedBank2 },
  past: Forwarder,
  transform: async ({ oldState, newState }: TransformStates) => {
    for await (const [key, value] of oldState.iterator()) await newState.put(key, value)
  }
  // The forwarded methods are defined above, which the compiler cannot see.
} as never)

/** In front of the object: counts deposits, and says so for its balance at version 2. */
class Counting extends Forwarder {
  async deposit(x: number): Promise<number> {
    await this.ctx.state.put('told', ((await this.ctx.state.get<string, number>('told')) ?? 0) + 1)
    return this.ctx.delegate.deposit(x)
  }

  transfer(): never {
    throw new Error('flows of the delegate are its own')
  }
}

class Intercepting extends ShadowedBank2 {}

export const bankV2Intercepted = defineUpgrade({
  from: bank,
  to: defineClass(bank2, Bank2),
  future: { model: 'interceptor', implementation: Intercepting, instead: Counting }
} as never)

/** The old class beside the new one, and the other way round: a shadow does what the command did, and sends nothing again (R14). */
class Twin extends Bank2 {
  async $deposit({ args: [x] }: Shadowed<typeof bank, 'deposit'>) {
    return [
      callsOf(bank)
        .deposit(x)
        .answering(await this.deposit(x))
    ]
  }

  async $pay({ args: [peer, amounts] }: Shadowed<typeof bank, 'pay'>) {
    const balance = await this.add(-amounts.reduce((a, b) => a + b, 0))
    return [callsOf(bank).pay(peer, amounts).answering(balance)]
  }

  async $payBySelf({ args: [, x] }: Shadowed<typeof bank2, 'payBySelf'>) {
    await this.add(-x)
    return []
  }

  $payAndFail(): [] {
    return []
  }

  $selfInCommand(): [] {
    return []
  }
}

export const bankV2Twin = defineUpgrade({
  from: bank,
  to: defineClass(bank2, Bank2),
  twin: {
    map: async ({ key, value }: { key: string; value: unknown }, { newState }: { newState: StateView }) => {
      await newState.put(key, value)
    },
    future: Twin,
    past: Twin
  }
} as never)

/** Carries calls from one test object to others, and loses what a test says. */
export class Post {
  readonly #objects = new Map<string, TestObject>()
  readonly sent: OutgoingCall[] = []
  /** What happens to a call: `before` and `after` throw in place of an answer. */
  before: (call: OutgoingCall) => void | Promise<void> = () => undefined
  after: (call: OutgoingCall) => void | Promise<void> = () => undefined

  deliverTo(peer: string, object: TestObject): void {
    this.#objects.set(peer, object)
  }

  readonly outgoing = async (call: OutgoingCall): Promise<Uint8Array> => {
    this.sent.push(call)
    await this.before(call)
    const object = this.#objects.get(call.peer)
    if (object === undefined) throw unreachable('no')
    const { request, signal, version, method, args, remainingMs } = call
    const answer = await object.host.call({
      revision: version,
      version,
      method,
      args,
      seq: request?.seq ?? 0,
      doneBelow: request?.doneBelow ?? 0,
      ...(request === undefined ? {} : { session: request.session }),
      remainingMs,
      caller: 'sender',
      signal
    })
    await this.after(call)
    return answer
  }
}

export function unreachable(executed: 'no' | 'unknown'): CallError {
  return new CallError('Unreachable', { message: 'the line is cut', executed })
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setImmediate(resolve))
}
