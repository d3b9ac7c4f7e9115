import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { generatorsOf } from '../src/check/arguments/arguments-of.js'
import { areEqual, show } from '../src/check/plain-values.js'
import { command, defineContract, query, type ArgumentsSchema } from '../src/index.js'

const contractOf = (input: ArgumentsSchema) => defineContract('Thing', { take: command(input, z.void()) })

/** Distinct argument tuples that are made for a validator. */
function made(input: ArgumentsSchema): ReadonlySet<string> {
  const arbitrary = generatorsOf(contractOf(input), {}).get('take')
  if (arbitrary === undefined) throw new Error('nothing was made')
  return new Set(fc.sample(arbitrary, { numRuns: 300, seed: 1 }).map(show))
}

interface Tree {
  readonly name: string
  readonly children: readonly Tree[]
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree) }))

describe('arguments from validators', () => {
  it.each([
    ['numbers near zero', z.tuple([z.int()]), ['[1]', '[2]', '[3]', '[0]', '[-1]']],
    ['numbers where the range begins', z.tuple([z.int().min(100).max(101)]), ['[100]', '[101]']],
    ['multiples', z.tuple([z.number().multipleOf(5).min(5)]), ['[5]', '[10]', '[15]']],
    ['texts that are long enough', z.tuple([z.string().min(2).max(3)]), ['["aa"]', '["bb"]', '["cc"]']],
    ['choices', z.tuple([z.enum(['red', 'blue'])]), ['["red"]', '["blue"]']],
    ['constants of several types', z.tuple([z.union([z.literal(7), z.null()])]), ['[7]', '[nothing]']],
    ['truth values', z.tuple([z.boolean()]), ['[true]', '[false]']],
    ['no arguments', z.tuple([]), ['[]']]
  ])('are %s', (_, input, expected) => {
    const texts = [...made(input)].map(text => text.replace('null', 'nothing'))
    expect(new Set(texts)).toEqual(new Set(expected))
  })

  it('are lists, records and objects of few members, with and without what is optional', () => {
    const list = [...made(z.tuple([z.array(z.literal(1))]))]
    expect(new Set(list)).toEqual(new Set(['[[]]', '[[1]]', '[[1, 1]]']))
    const object = made(z.tuple([z.object({ a: z.literal(1), b: z.literal(2).optional() })]))
    expect(object).toEqual(new Set(['[{ a: 1 }]', '[{ a: 1, b: 2 }]']))
    expect(made(z.tuple([z.record(z.enum(['x']), z.literal(1))]))).toContain('[{ x: 1 }]')
    expect(made(z.tuple([z.int(), z.int().optional()]))).toContain('[1]')
  })

  it('end in recursive types', () => {
    expect(made(z.tuple([tree])).size).toBeGreaterThan(3)
  })

  it('are what the validator accepts, whichever library it is from', () => {
    const shapes = z.tuple([z.record(z.string(), z.object({ n: z.int(), t: z.iso.datetime().nullable() }))])
    for (const input of [shapes, type([['string', { n: 'number.integer' }]]) as ArgumentsSchema]) {
      const arbitrary = generatorsOf(contractOf(input), {}).get('take') as fc.Arbitrary<readonly unknown[]>
      for (const args of fc.sample(arbitrary, { numRuns: 50, seed: 2 })) {
        expect(input['~standard'].validate(args)).not.toHaveProperty('issues.0')
      }
    }
  })

  it('name the methods that they cannot be derived for, all at once', () => {
    const contract = defineContract('Diary', {
      note: command(z.tuple([z.date()]), z.void()),
      find: query(v.strictTuple([v.string()]), z.void()),
      size: query(z.tuple([]), z.int())
    })
    expect(() => generatorsOf(contract, {})).toThrow(
      /^No arguments can be made for Diary.note \(.*\), Diary.find \(.*\): give them in the specification, as in arguments: { note: fc => fc.tuple\(…\) }\.$/
    )
    const given = { note: () => fc.constant([new Date(0)]), find: () => fc.constant(['x']) }
    expect([...generatorsOf(contract, given).keys()]).toEqual(['note', 'find', 'size'])
  })
})

describe('plain values', () => {
  it.each([
    [new Set([1, 2]), new Set([2, 1])],
    [new Map([['a', { x: 1, y: undefined }]]), new Map([['a', { x: 1 }]])],
    [
      { a: 1, b: [new Date(5)] },
      { b: [new Date(5)], a: 1 }
    ],
    [new Uint8Array([1]), Buffer.from([1])],
    [0, -0]
  ])('%o is %o', (a, b) => {
    expect(areEqual(a, b)).toBe(true)
    expect(show(a)).toBe(show(b))
  })

  it.each([
    [new Set([1]), new Set(['1'])],
    [
      [1, 2],
      [2, 1]
    ],
    [new Map([['a', 1]]), { a: 1 }],
    [{ a: null }, {}]
  ])('%o is not %o', (a, b) => {
    expect(areEqual(a, b)).toBe(false)
    expect(show(a)).not.toBe(show(b))
  })
})
