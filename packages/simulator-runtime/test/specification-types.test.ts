import { tuple } from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { defineSpecification } from '../src/check/index.js'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type ObjectOf,
  type ReadOnlyStateView
} from '../src/index.js'

const old = defineContract('Stack', {
  push: command(z.tuple([z.string()]), z.void()),
  pop: command(z.tuple([]), z.string()),
  depth: query(z.tuple([]), z.int())
})
const next = defineContract('Pile', {
  put: command(z.tuple([z.string(), z.int()]), z.void()),
  height: query(z.tuple([]), z.int())
})
class Next implements ObjectOf<typeof next> {
  put(): void {}
  height(): number {
    return 0
  }
}
const upgrade = defineUpgrade({ from: old, to: defineClass(next, Next) })

const views = {
  old: {
    read: async (state: ReadOnlyStateView) => state.values<string, string>().all(),
    write: () => undefined
  },
  new: { read: () => 0, write: () => undefined }
}
const invariant = (texts: string[], height: number) => texts.length === height || 'another height'
const shadows = {
  old: { push: (height: number) => height + 1, pop: (height: number) => height - 1 },
  new: { put: (texts: string[]) => [...texts, ''] }
}

describe('the types of specifications', () => {
  it('come from the upgrade and from what the views read', () => {
    const specification = defineSpecification(upgrade, {
      views: {
        old: {
          read: async state => state.values<string, string>().all(),
          write: async (texts, state) => {
            expectTypeOf(texts).toEqualTypeOf<string[]>()
            for (const [i, text] of texts.entries()) await state.put(String(i), text)
          }
        },
        new: {
          read: async state => new Map(await state.iterator<string, number>().all()),
          write: async (piles, state) => {
            for (const [text, weight] of piles) await state.put(text, weight)
          }
        }
      },
      invariant: (texts, piles) => texts.length === piles.size || 'another height',
      map: texts => new Map(texts.map(text => [text, 0])),
      shadows: {
        old: {
          push: (piles, { args: [text] }) => new Map(piles).set(text, 0),
          pop: (piles, { result, before }) => {
            expectTypeOf(result).toEqualTypeOf<string>()
            expectTypeOf(before).toEqualTypeOf<string[]>()
            return new Map([...piles].filter(([text]) => text !== result))
          }
        },
        new: { put: (texts, { args: [text, weight] }) => (weight > 0 ? [...texts, text] : texts) }
      },
      disallow: { new: { put: ([, weight], states) => (weight > states.old.length ? 'too heavy' : undefined) } },
      arguments: { put: fc => fc.tuple(fc.constantFrom('a', 'b'), fc.nat(3)) }
    })
    expectTypeOf(specification.from).toEqualTypeOf(old)
    expect(specification.init.disallow?.new).toBeDefined()
  })

  it('refuse a command without a shadow, and a shadow of no command', () => {
    const map = () => 0
    defineSpecification(upgrade, { views, invariant, map, shadows })
    const { push, pop } = shadows.old
    // @ts-expect-error -- `pop` has no shadow
    defineSpecification(upgrade, { views, invariant, map, shadows: { ...shadows, old: { push } } })
    defineSpecification(upgrade, {
      views,
      invariant,
      map,
      // @ts-expect-error -- there is no command `peek`
      shadows: { ...shadows, old: { push, pop, peek: (height: number) => height } }
    })
    expect(upgrade.from).toBe(old)
  })

  it('refuse refusals and arguments of methods that no version has', () => {
    const all = { views, invariant, map: () => 0, shadows }
    // @ts-expect-error -- `take` is no method of the new version
    defineSpecification(upgrade, { ...all, disallow: { new: { take: 'never' } } })
    // @ts-expect-error -- neither has `take`
    defineSpecification(upgrade, { ...all, arguments: { take: () => tuple() } })
    // @ts-expect-error -- `push` takes a text
    defineSpecification(upgrade, { ...all, arguments: { push: fc => fc.tuple(fc.nat()) } })
    expect(upgrade.from).toBe(old)
  })
})
