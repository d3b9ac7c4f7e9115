import { z } from 'zod'
import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  opaque,
  query,
  type Mapping,
  type ObjectContext,
  type Shadowed
} from '../src/index.js'

/**
 * A set in three versions, as twins: v1 holds numbers, v2 gives each a colour and keeps an index of colours, v3 names its keys otherwise.
 * One old entry is several new ones, and the other way round.
 */
const number = z.int()
const colour = z.string()
const none = z.tuple([])

export const numbers = defineContract('Numbers', {
  insert: command(z.tuple([number]), z.void()),
  delete: command(z.tuple([number]), z.void()),
  hang: command(none, z.void()),
  has: query(z.tuple([number]), z.boolean()),
  all: query(none, z.array(number))
})
export const colours = defineContract('Colours', {
  paint: command(z.tuple([number, colour]), z.void()),
  delete: command(z.tuple([number]), z.void()),
  colourOf: query(z.tuple([number]), colour.optional()),
  painted: query(z.tuple([colour]), z.array(number)),
  all: query(none, z.array(number))
})
export const things = defineContract('Things', {
  keep: command(z.tuple([number, colour]), z.void()),
  drop: command(z.tuple([number]), z.void()),
  list: query(none, z.array(z.tuple([number, colour])))
})

class Numbers {
  constructor(readonly ctx: ObjectContext) {}
  async insert(x: number): Promise<void> {
    await this.ctx.state.put(String(x), true)
  }
  async delete(x: number): Promise<void> {
    await this.ctx.state.del(String(x))
  }
  hang(): Promise<void> {
    return new Promise(() => undefined)
  }
  has(x: number): Promise<boolean> {
    return this.ctx.state.has(String(x))
  }
  async all(): Promise<number[]> {
    return (await this.ctx.state.keys().all()).map(Number).sort((a, b) => a - b)
  }
}

class Colours {
  constructor(readonly ctx: ObjectContext) {}
  async paint(x: number, to: string): Promise<void> {
    await this.delete(x)
    await this.ctx.state.put(String(x), to)
    await this.ctx.state.sublevel('by').put(`${to}/${x}`, x)
  }
  async delete(x: number): Promise<void> {
    const was = await this.colourOf(x)
    if (was === undefined) return
    await this.ctx.state.del(String(x))
    await this.ctx.state.sublevel('by').del(`${was}/${x}`)
  }
  colourOf(x: number): Promise<string | undefined> {
    return this.ctx.state.get<string, string>(String(x))
  }
  async painted(with_: string): Promise<number[]> {
    const by = this.ctx.state.sublevel<string, number>('by')
    return (await by.values({ gte: `${with_}/`, lt: `${with_}0` }).all()).sort((a, b) => a - b)
  }
  async all(): Promise<number[]> {
    const keys = await this.ctx.state.keys({ gte: '-', lt: 'a' }).all()
    return keys.map(Number).sort((a, b) => a - b)
  }
}

class Things {
  constructor(readonly ctx: ObjectContext) {}
  async keep(x: number, colour: string): Promise<void> {
    await this.ctx.state.put(`thing ${x}`, colour)
  }
  async drop(x: number): Promise<void> {
    await this.ctx.state.del(`thing ${x}`)
  }
  async list(): Promise<Array<[number, string]>> {
    const entries = await this.ctx.state.iterator<string, string>().all()
    return entries.map(([key, colour]): [number, string] => [Number(key.slice(6)), colour]).sort(([a], [b]) => a - b)
  }
}

/** What the shadows of a test do besides: a number such as 404 makes the shadow of that side throw. */
export const failing = { v1: 1404, v2: 2404, v3: 3404, opaque: 5555 }

class TwinNumbers extends Numbers {
  async $paint({ args: [x] }: Shadowed<typeof colours, 'paint'>) {
    if (x === failing.v1) throw new Error('the old twin fails')
    if (await this.has(x)) return []
    await this.insert(x)
    return [callsOf(numbers).insert(x)]
  }
  async $delete({ args: [x] }: Shadowed<typeof colours, 'delete'>) {
    await this.delete(x)
    return [callsOf(numbers).delete(x)]
  }
}

class TwinColours extends Colours {
  async $insert({ args: [x], before }: Shadowed<typeof numbers, 'insert'>) {
    if (x === failing.v2) throw new Error('the new twin fails')
    if (await before.has(x)) return []
    await this.paint(x, 'blue')
    return x === failing.opaque ? ('opaque' as const) : [callsOf(colours).paint(x, 'blue')]
  }
  async $delete({ args: [x] }: Shadowed<typeof numbers, 'delete'>) {
    await this.delete(x)
    return [callsOf(colours).delete(x)]
  }
  $hang() {
    return []
  }
}

class TwinOfThings extends Colours {
  async $keep({ args: [x, colour] }: Shadowed<typeof things, 'keep'>) {
    await this.paint(x, colour)
    return [callsOf(colours).paint(x, colour)]
  }
  async $drop({ args: [x] }: Shadowed<typeof things, 'drop'>) {
    await this.delete(x)
    return [callsOf(colours).delete(x)]
  }
}

class TwinThings extends Things {
  async $paint({ args: [x, colour] }: Shadowed<typeof colours, 'paint'>) {
    if (x === failing.v3) throw new Error('the newest twin fails')
    await this.keep(x, colour)
    return [callsOf(things).keep(x, colour)]
  }
  async $delete({ args: [x] }: Shadowed<typeof colours, 'delete'>) {
    await this.drop(x)
    return [callsOf(things).drop(x)]
  }
}

export const v1 = defineClass(numbers, Numbers)

/** @param map instead of the right one */
export function v2(map: Mapping = paintedBlue) {
  return defineUpgrade({
    from: numbers,
    to: defineClass(colours, Colours),
    twin: { map, future: TwinColours, past: TwinNumbers }
  })
}

const paintedBlue: Mapping = async ({ key }, { newState }) => {
  await newState.put(key, 'blue')
  await newState.sublevel('by').put(`blue/${key}`, Number(key))
}

export const v3 = defineUpgrade({
  from: colours,
  to: defineClass(things, Things),
  twin: {
    map: async ({ sublevel, key, value }, { newState }) => {
      if (sublevel.length === 0) await newState.put(`thing ${key}`, value)
    },
    future: TwinThings,
    past: TwinOfThings
  }
})

/** Who wears which badge, and in v2 who wears a badge: entries give their keys of the new state to each other. */
const text = z.string()
export const badgesContract = defineContract('Badges', {
  give: command(z.tuple([text, text]), z.void()),
  swap: command(z.tuple([text, text]), z.void()),
  take: command(z.tuple([text]), z.void()),
  all: query(none, z.array(z.tuple([text, text])))
})
const holdersContract = defineContract('Holders', { all: query(none, z.array(z.tuple([text, text]))) })

class Badges {
  constructor(readonly ctx: ObjectContext) {}
  async give(person: string, badge: string): Promise<void> {
    await this.ctx.state.put(person, badge)
  }
  async swap(a: string, b: string): Promise<void> {
    const [ofA, ofB] = await this.ctx.state.getMany<string, string>([a, b])
    await this.ctx.state.batch([
      { type: 'put', key: a, value: ofB },
      { type: 'put', key: b, value: ofA }
    ])
  }
  async take(person: string): Promise<void> {
    await this.ctx.state.del(person)
  }
  all(): Promise<Array<[string, string]>> {
    return this.ctx.state.iterator<string, string>().all()
  }
}

class Holders {
  constructor(readonly ctx: ObjectContext) {}
  all(): Promise<Array<[string, string]>> {
    return this.ctx.state.iterator<string, string>().all()
  }
}

export const badges = defineClass(badgesContract, Badges)
export const holders = defineUpgrade({
  from: badgesContract,
  to: defineClass(holdersContract, Holders),
  twin: {
    map: ({ key, value }, { newState }) => newState.put(value as string, key),
    future: class extends Holders {
      $give(): typeof opaque {
        return opaque
      }
      $swap(): typeof opaque {
        return opaque
      }
      $take(): typeof opaque {
        return opaque
      }
    },
    past: Badges
  }
})
