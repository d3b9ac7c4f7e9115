import { command, defineContract, query, type Contract } from '@instar/simulator-runtime'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compareContracts, contractFacts } from './contract-facts.js'

const compare = (before: Contract, after: Contract) => compareContracts(contractFacts(before), contractFacts(after))
const word = z.string().max(10)
const shelf = defineContract('Shelf', {
  put: command(z.tuple([word, z.int()]), z.boolean()),
  get: query(z.tuple([word]), z.object({ count: z.int(), title: z.string() }))
})

describe('comparing contracts', () => {
  it('finds no difference in another order, other words about it, and another library object', () => {
    const same = defineContract('Shelf', {
      get: query(
        z.tuple([z.string().max(10).describe('the name')]),
        z.object({ title: z.string(), count: z.int().meta({ title: 'How many' }) })
      ),
      put: command(z.tuple([word, z.int()]), z.boolean())
    })
    expect(compare(shelf, same)).toEqual({ uncompared: [] })
  })

  it.each([
    ['another name', defineContract('Rack', shelf.methods), 'it is called Rack, not Shelf'],
    [
      'a new method',
      defineContract('Shelf', { ...shelf.methods, size: query(z.tuple([]), z.int()) }),
      'it has the new method size'
    ],
    ['a method that is gone', defineContract('Shelf', { get: shelf.methods.get }), 'it lacks the method put'],
    [
      'another kind',
      defineContract('Shelf', { ...shelf.methods, get: command(shelf.methods.get.input, shelf.methods.get.output) }),
      'get was a query and is a command'
    ],
    [
      'wider arguments',
      defineContract('Shelf', { ...shelf.methods, get: query(z.tuple([z.string()]), shelf.methods.get.output) }),
      'get takes other arguments'
    ],
    [
      'a result whose property `title` is another',
      defineContract('Shelf', {
        ...shelf.methods,
        get: query(z.tuple([word]), z.object({ count: z.int(), title: z.int() }))
      }),
      'get gives another result'
    ]
  ])('says what differs: %s', (_what, after, difference) => {
    expect(compare(shelf, after).difference).toBe(difference)
  })

  it('names the methods whose validators say no JSON Schema, and compares the rest of them', () => {
    const plain = { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } } as const
    const before = defineContract('Shelf', {
      clear: command(z.tuple([]), z.void()),
      raw: query(plain as never, plain),
      size: query(z.tuple([]), z.int())
    })
    expect(compare(before, before)).toEqual({ uncompared: ['clear', 'raw'] })
    const after = defineContract('Shelf', { ...before.methods, clear: command(z.tuple([z.int()]), z.void()) })
    expect(compare(before, after)).toEqual({ difference: 'clear takes other arguments', uncompared: ['clear', 'raw'] })
  })
})
