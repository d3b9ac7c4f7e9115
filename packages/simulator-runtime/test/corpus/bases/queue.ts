import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  Disallowed,
  query,
  type ObjectContext,
  type ObjectOf,
  type SimulationContext,
  type Transform,
  type UpgradeDefinition
} from '@instar/simulator-runtime'
import { defineSpecification, type Lens, type SpecificationInit } from '@instar/simulator-runtime/check'
import * as z from 'zod'
import type { Checked } from '../mistake.js'

// A queue becomes one with urgent entries, which come first. In the direct model: what version 1 cannot do is refused until the upgrade.

const item = z.string().max(20)

export const queue = defineContract('Queue', {
  push: command(z.tuple([item]), z.void()),
  take: command(z.tuple([]), item.nullable()),
  waiting: query(z.tuple([]), z.array(item))
})

export const urgentQueue = defineContract('UrgentQueue', {
  push: command(z.tuple([item, z.boolean()]), z.void()),
  take: command(z.tuple([]), item.nullable()),
  waiting: query(z.tuple([]), z.array(item))
})

/** State: `<place>` → entry. Places grow in steps of five, so that something could be put between. */
class Queue implements ObjectOf<typeof queue> {
  constructor(protected readonly ctx: ObjectContext) {}

  async push(entry: string): Promise<void> {
    const last = (await inOrder(this.ctx.state)).at(-1)
    await this.ctx.state.put(String(last === undefined ? 5 : last.place + 5), entry)
  }

  async take(): Promise<string | null> {
    const [first] = await inOrder(this.ctx.state)
    if (first === undefined) return null
    await this.ctx.state.del(String(first.place))
    return first.entry
  }

  async waiting(): Promise<string[]> {
    return (await inOrder(this.ctx.state)).map(({ entry }) => entry)
  }
}

/** Numbers sort otherwise than the keys that they are written as. */
async function inOrder(state: Pick<ObjectContext['state'], 'iterator'>) {
  const entries = await state.iterator<string, string>().all()
  return entries.map(([key, entry]) => ({ place: Number(key), entry })).sort((a, b) => a.place - b.place)
}

/** State: `waiting` → entries. */
interface Waiting {
  readonly urgent: readonly string[]
  readonly others: readonly string[]
}

export class UrgentQueue implements ObjectOf<typeof urgentQueue> {
  constructor(protected readonly ctx: ObjectContext) {}

  async push(entry: string, isUrgent: boolean): Promise<void> {
    const { urgent, others } = await this.#read()
    const after = isUrgent ? { urgent: [...urgent, entry], others } : { urgent, others: [...others, entry] }
    await this.ctx.state.put('waiting', after)
  }

  async take(): Promise<string | null> {
    const { urgent, others } = await this.#read()
    const [first = null] = [...urgent, ...others]
    const after = urgent.length > 0 ? { urgent: urgent.slice(1), others } : { urgent, others: others.slice(1) }
    await this.ctx.state.put('waiting', after)
    return first
  }

  async waiting(): Promise<string[]> {
    const { urgent, others } = await this.#read()
    return [...urgent, ...others]
  }

  async #read(): Promise<Waiting> {
    return (await this.ctx.state.get<string, Waiting>('waiting')) ?? { urgent: [], others: [] }
  }
}

export class FutureQueue implements ObjectOf<typeof urgentQueue> {
  constructor(protected readonly ctx: SimulationContext<typeof queue>) {}

  push(entry: string, isUrgent: boolean): Promise<void> {
    if (isUrgent) throw new Disallowed('nothing can be put first until this peer is upgraded')
    return this.ctx.delegate.push(entry)
  }

  take(): Promise<string | null> {
    return this.ctx.delegate.take()
  }

  waiting(): Promise<string[]> {
    return this.ctx.delegate.waiting()
  }
}

class PastQueue implements ObjectOf<typeof queue> {
  constructor(protected readonly ctx: SimulationContext<typeof urgentQueue>) {}

  push(entry: string): Promise<void> {
    return this.ctx.delegate.push(entry, false)
  }

  take(): Promise<string | null> {
    return this.ctx.delegate.take()
  }

  waiting(): Promise<string[]> {
    return this.ctx.delegate.waiting()
  }
}

const transform: Transform = async ({ oldState, newState }) => {
  const others = (await inOrder(oldState)).map(({ entry }) => entry)
  if (others.length > 0) await newState.put('waiting', { urgent: [], others })
}

interface Parts {
  readonly to: typeof UrgentQueue
  readonly future: typeof FutureQueue
  readonly past: typeof PastQueue
  readonly transform: Transform
}

const entries: Lens<readonly string[]> = {
  read: async state => (await inOrder(state)).map(({ entry }) => entry),
  write: async (old, state) => {
    for (const [i, entry] of old.entries()) await state.put(String(5 * (i + 1)), entry)
  }
}

const waiting: Lens<Waiting> = {
  read: async state => (await state.get<string, Waiting>('waiting')) ?? { urgent: [], others: [] },
  write: (next, state) => state.put('waiting', next)
}

/** I: both have the same entries in the same order. */
export const queueInit: SpecificationInit<typeof queue, typeof urgentQueue, readonly string[], Waiting> = {
  views: { old: entries, new: waiting },
  invariant: (old, { urgent, others }) => old.join() === [...urgent, ...others].join() || 'the queues differ',
  map: old => ({ urgent: [], others: old }),
  shadows: {
    old: {
      push: ({ urgent, others }, { args: [entry] }) => ({ urgent, others: [...others, entry] }),
      take: ({ urgent, others }) =>
        urgent.length > 0 ? { urgent: urgent.slice(1), others } : { urgent, others: others.slice(1) }
    },
    new: {
      push: (_, { after: { urgent, others } }) => [...urgent, ...others],
      take: old => old.slice(1)
    }
  },
  disallow: { new: { push: ([, isUrgent]) => (isUrgent ? 'nothing can be put first' : undefined) } },
  arguments: {
    push: fc => {
      const entry = fc.constantFrom('a', 'b', '')
      return fc.oneof(fc.tuple(entry), fc.tuple(entry, fc.boolean()))
    }
  }
}

export function queues(parts: Partial<Parts> = {}, changes: Partial<typeof queueInit> = {}): Checked {
  const upgrade: UpgradeDefinition<typeof queue, typeof urgentQueue> = defineUpgrade({
    from: queue,
    to: defineClass(urgentQueue, parts.to ?? UrgentQueue),
    future: parts.future ?? FutureQueue,
    past: parts.past ?? PastQueue,
    transform: parts.transform ?? transform
  })
  return {
    versions: [defineClass(queue, Queue), upgrade],
    specifications: [defineSpecification(upgrade, { ...queueInit, ...changes })]
  }
}

export const rightQueues = queues()
