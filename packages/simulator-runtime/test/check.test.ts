import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runsEverything } from '../../../test/fixtures/selection.js'
import { checkUpgrade, defineSpecification, describeReport } from '../src/check/index.js'
import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type ObjectContext,
  type ObjectOf,
  type ReverseInit,
  type Shadowed,
  type SimulationContext,
  type TwinInit
} from '../src/index.js'

const key = z.enum(['a', 'b'])
type Name = z.infer<typeof key>
const names = defineContract('Names', {
  add: command(z.tuple([key]), z.void()),
  remove: command(z.tuple([key]), z.boolean()),
  has: query(z.tuple([key]), z.boolean())
})
const tags = defineContract('Tags', {
  tag: command(z.tuple([key, z.int().min(0).max(2)]), z.void()),
  remove: command(z.tuple([key]), z.boolean()),
  tagOf: query(z.tuple([key]), z.int().optional())
})

class Names implements ObjectOf<typeof names> {
  constructor(readonly ctx: ObjectContext) {}
  add(name: Name): Promise<void> {
    return this.ctx.state.put(name, true)
  }
  async remove(name: Name): Promise<boolean> {
    const was = await this.has(name)
    await this.ctx.state.del(name)
    return was
  }
  has(name: Name): Promise<boolean> {
    return this.ctx.state.has(name)
  }
}

class Tags implements ObjectOf<typeof tags> {
  constructor(readonly ctx: ObjectContext) {}
  tag(name: Name, number: number): Promise<void> {
    return this.ctx.state.put(name, number)
  }
  async remove(name: Name): Promise<boolean> {
    const was = await this.ctx.state.has(name)
    await this.ctx.state.del(name)
    return was
  }
  tagOf(name: Name): Promise<number | undefined> {
    return this.ctx.state.get<string, number>(name)
  }
}

class FutureTags implements ObjectOf<typeof tags> {
  constructor(readonly ctx: SimulationContext<typeof names>) {}
  async tag(name: Name, number: number): Promise<void> {
    await this.ctx.delegate.add(name)
    await this.ctx.state.put(name, number)
  }
  async remove(name: Name): Promise<boolean> {
    await this.ctx.state.del(name)
    return this.ctx.delegate.remove(name)
  }
  async tagOf(name: Name): Promise<number | undefined> {
    if (!(await this.ctx.delegate.has(name))) return undefined
    return (await this.ctx.state.get<string, number>(name)) ?? 0
  }
  async $add({ args: [name], before }: Shadowed<typeof names, 'add'>) {
    return (await before.has(name)) ? [] : [callsOf(tags).tag(name, 0)]
  }
  async $remove({ args: [name], result }: Shadowed<typeof names, 'remove'>) {
    await this.ctx.state.del(name)
    return [callsOf(tags).remove(name).answering(result)]
  }
}

class PastNames implements ObjectOf<typeof names> {
  constructor(readonly ctx: SimulationContext<typeof tags>) {}
  async add(name: Name): Promise<void> {
    if (!(await this.has(name))) await this.ctx.delegate.tag(name, 0)
  }
  remove(name: Name): Promise<boolean> {
    return this.ctx.delegate.remove(name)
  }
  async has(name: Name): Promise<boolean> {
    return (await this.ctx.delegate.tagOf(name)) !== undefined
  }
}

const genesis = defineClass(names, Names)
const upgradeWith = (more: { readonly reverse?: ReverseInit }) =>
  defineUpgrade({
    from: names,
    to: defineClass(tags, Tags),
    future: { model: 'shadowed', implementation: FutureTags },
    past: PastNames,
    transform: async ({ oldState, futureState, newState }) => {
      for await (const name of oldState.keys()) {
        await newState.put(name, (await futureState.get<string, number>(name)) ?? 0)
      }
    },
    ...more
  })
const upgrade = upgradeWith({})

class TwinTags extends Tags {
  async $add({ args: [name] }: Shadowed<typeof names, 'add'>) {
    if ((await this.tagOf(name)) !== undefined) return []
    await this.tag(name, 0)
    return [callsOf(tags).tag(name, 0)]
  }
  async $remove({ args: [name] }: Shadowed<typeof names, 'remove'>) {
    return [
      callsOf(tags)
        .remove(name)
        .answering(await this.remove(name))
    ]
  }
}

class TwinNames extends Names {
  async $tag({ args: [name] }: Shadowed<typeof tags, 'tag'>) {
    await this.add(name)
    return [callsOf(names).add(name)]
  }
  async $remove({ args: [name] }: Shadowed<typeof tags, 'remove'>) {
    return [
      callsOf(names)
        .remove(name)
        .answering(await this.remove(name))
    ]
  }
}

const twin = {
  map: ({ key }, { newState }) => newState.put(key, 0),
  future: TwinTags,
  past: TwinNames
} satisfies TwinInit<typeof names, typeof tags, object, object, object, object>
const twinned = defineUpgrade({ from: names, to: defineClass(tags, Tags), twin })

const specification = defineSpecification(upgrade, {
  views: {
    old: {
      read: async state => new Set(await state.keys().all()),
      write: async (set, state) => {
        for (const name of set) await state.put(name, true)
      }
    },
    new: {
      read: async state => new Map(await state.iterator<string, number>().all()),
      write: async (map, state) => {
        for (const [name, number] of map) await state.put(name, number)
      }
    }
  },
  invariant: (set, map) => [...set].sort().join() === [...map.keys()].sort().join() || 'other names',
  map: set => new Map([...set].map(name => [name, 0])),
  shadows: {
    old: {
      add: (map, { args: [name] }) => (map.has(name) ? map : new Map(map).set(name, 0)),
      remove: (map, { args: [name] }) => new Map([...map].filter(([each]) => each !== name))
    },
    new: {
      tag: (set, { args: [name] }) => new Set(set).add(name),
      remove: (set, { args: [name] }) => new Set([...set].filter(each => each !== name))
    }
  }
})

let mapped = 0
const budget = { histories: 25 }

describe('the checker', () => {
  it('finds nothing in an upgrade that is right', { timeout: 60_000 }, async () => {
    const report = await checkUpgrade({
      versions: [genesis, upgrade],
      specifications: [specification],
      seed: 1,
      budget
    })
    expect(describeReport(report)).toContain('No flaw found in 25 histories')
    expect(report).toMatchObject({ passed: true, histories: 25, unspecified: [] })
  })

  it('finds nothing in a twin that is right', { timeout: 60_000 }, async () => {
    const report = await checkUpgrade({
      versions: [genesis, twinned],
      specifications: [specification],
      seed: 1,
      budget
    })
    expect(describeReport(report)).toContain('No flaw found in 25 histories')
  })

  it.each([
    [
      'a twin whose old side forgets',
      'sequence',
      defineUpgrade({
        from: names,
        to: defineClass(tags, Tags),
        twin: {
          ...twin,
          past: class extends TwinNames {
            override async $remove({ args: [name], result }: Shadowed<typeof tags, 'remove'>) {
              return [callsOf(names).remove(name).answering(result)]
            }
          }
        }
      })
    ],
    [
      'a twin whose mapping counts its calls',
      'transform',
      defineUpgrade({
        from: names,
        to: defineClass(tags, Tags),
        twin: { ...twin, map: ({ key }, { newState }) => newState.put(key, mapped++ % 3) }
      })
    ],
    [
      'a twin two of whose entries write one',
      'sequence',
      defineUpgrade({
        from: names,
        to: defineClass(tags, Tags),
        twin: { ...twin, map: (_, { newState }) => newState.put('a', 0) }
      })
    ]
  ] as const)('finds %s', { timeout: 60_000 }, async (_, kind, wrong) => {
    const { failure } = await checkUpgrade({ versions: [genesis, wrong], specifications: [specification], seed: 1 })
    expect(failure?.kind, failure?.transcript).toBe(kind)
  })

  it('shows the shortest history that a forgotten removal spoils, and replays it', { timeout: 60_000 }, async () => {
    class Forgetful extends FutureTags {
      override async $remove({ args: [name], result }: Shadowed<typeof names, 'remove'>) {
        return [callsOf(tags).remove(name).answering(result)]
      }
    }
    const wrong = defineUpgrade({
      from: names,
      to: defineClass(tags, Tags),
      future: { model: 'shadowed', implementation: Forgetful },
      past: PastNames,
      transform: upgrade.transform as NonNullable<typeof upgrade.transform>
    })
    const init = { versions: [genesis, wrong], specifications: [specification], budget } as const
    const { failure } = await checkUpgrade({ ...init, seed: 1 })
    expect(failure).toMatchObject({ kind: 'sequence', seed: 1 })
    expect(failure?.transcript).toMatchInlineSnapshot(`
      "  introduce 2
            v1 {}   v2 {}
        v2.tag("b", 2) = nothing   (the future simulation object of version 2)
            v1 {"b"}   v2 {"b" → 2}
        v1.remove("b") = true      (the object)
            v1 {}   v2 {}
        v1.add("b") = nothing      (the object)
            v1 {"b"}   v2 {"b" → 0}
      → v2.tagOf("b") = 2          (the future simulation object of version 2)
            v1 {"b"}   v2 {"b" → 0}
      sequence: v2.tagOf("b") is not answered as the class of version 2 would (R7)
        expected  0
        actual    2"
    `)
    const again = await checkUpgrade({ ...init, seed: failure?.seed ?? 0, path: failure?.path ?? '' })
    expect(again.failure?.transcript).toBe(failure?.transcript)
    expect(again.histories).toBe(1)
  })

  it('checks without a specification what needs none', { timeout: 60_000 }, async () => {
    const report = await checkUpgrade({ versions: [genesis, upgrade], seed: 1, budget })
    expect(report).toMatchObject({ passed: true, unspecified: [2] })
  })

  it(
    'lets a version end, and another begin, where an upgrade has no simulation objects',
    { timeout: 60_000 },
    async () => {
      const transform = upgrade.transform as NonNullable<typeof upgrade.transform>
      const bare = defineUpgrade({ from: names, to: defineClass(tags, Tags), transform })
      const right = await checkUpgrade({ versions: [genesis, bare], specifications: [specification], seed: 1, budget })
      expect(right.passed, describeReport(right)).toBe(true)
      const lost = defineUpgrade({ from: names, to: defineClass(tags, Tags), transform: () => undefined })
      const wrong = await checkUpgrade({ versions: [genesis, lost], specifications: [specification], seed: 1, budget })
      expect(wrong.failure?.kind, describeReport(wrong)).toBe('identity')
    }
  )

  it('holds a twin against its own classes where there is no specification', { timeout: 60_000 }, async () => {
    const right = await checkUpgrade({ versions: [genesis, twinned], seed: 1, budget })
    expect(right.passed, describeReport(right)).toBe(true)
    class Liar extends TwinTags {
      override async $add(call: Shadowed<typeof names, 'add'>) {
        const calls = await super.$add(call)
        return calls.map(() => callsOf(tags).tag(call.args[0], 1))
      }
    }
    const wrong = defineUpgrade({ from: names, to: defineClass(tags, Tags), twin: { ...twin, future: Liar } })
    const { failure } = await checkUpgrade({ versions: [genesis, wrong], seed: 1 })
    expect(failure).toMatchObject({ kind: 'shadow', expected: '1', actual: '0' })
    expect(failure?.text).toMatch(/^\$add of version 2 returns tag\("[ab]", 1\), which is not what it does/)
  })
})

describe('the way back by code', () => {
  const returning = (reverse: ReverseInit) =>
    checkUpgrade({
      versions: [genesis, upgradeWith({ reverse })],
      specifications: [specification],
      seed: 1,
      budget: { histories: 15 }
    })
  const back: ReverseInit['transform'] = async ({ newState, oldState }) => {
    for await (const name of newState.keys()) await oldState.put(name, true)
  }
  const forgetful: ReverseInit = {
    loses: 'b',
    transform: async ({ newState, oldState }) => {
      if (await newState.has('a')) await oldState.put('a', true)
    }
  }
  let returned = 0

  it('leads to the answers that the old version gave on trial', { timeout: 60_000 }, async () => {
    const loses = 'the tags'
    expect(await returning({ loses, transform: back })).toMatchObject({ passed: true })
    const entries: ReverseInit['transform'] = { entries: ({ key }, { oldState }) => oldState.put(key, true) }
    if (runsEverything) expect(await returning({ loses, transform: entries })).toMatchObject({ passed: true })
  })

  it.runIf(runsEverything)('may change what it says that it changes', { timeout: 60_000 }, async () => {
    expect(await returning({ ...forgetful, changes: ['has'] })).toMatchObject({ passed: true })
  })

  const faulty: ReadonlyArray<[string, string, ReverseInit, RegExp]> = [
    ['forgets an entry', 'identity', forgetful, /has\("b"\) is not answered .* after its way back, which loses: b/],
    [
      'counts its calls',
      'transform',
      {
        loses: 'nothing',
        transform: async ({ newState, oldState }) => {
          for await (const name of newState.keys()) await oldState.put(name, returned++)
        }
      },
      /the reverse transform builds another state when it is run twice/
    ],
    [
      'writes an entry otherwise each time',
      'transform',
      { loses: 'nothing', transform: { entries: ({ key }, { oldState }) => oldState.put(key, returned++) } },
      /writes otherwise when it is asked again/
    ],
    ['fails', 'transform', { loses: 'nothing', transform: () => Promise.reject(new Error('no way')) }, /no way/]
  ]
  it.each(runsEverything ? faulty : faulty.slice(0, 1))(
    'is found out where it %s (%s)',
    { timeout: 60_000 },
    async (_, kind, reverse, says) => {
      const { failure } = await returning(reverse)
      expect(failure).toMatchObject({ kind })
      expect(failure?.text).toMatch(says)
    }
  )
})
