import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { command, defineClass, defineContract, defineUpgrade, query } from '../src/index.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'

/** What a class or simulation object can do wrong in one method, by name. What it writes first must be gone afterwards. */
const wrongs: Readonly<Record<string, () => unknown>> = {
  'throws an error': () => raise(new Error('a bug')),
  'throws nothing': () => raise(undefined),
  'throws what throws when it is looked at': () => raise(hostile()),
  'throws an error without a readable message': () =>
    raise(Object.defineProperty(new Error('x'), 'message', { get: () => raise(new Error('no message')) })),
  'throws what has no text': () => raise(Object.create(null)),
  'throws later': async () => {
    await Promise.resolve()
    raise(new TypeError('a bug'))
  },
  'answers a function': () => () => 1,
  'answers a symbol deep inside': () => ({ a: [{ b: Symbol('s') }] }),
  'answers a circle': () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    return circle
  },
  'answers what is nested too deep': () => {
    let value: unknown = 1
    for (let i = 0; i < 100_000; i++) value = [value]
    return value
  },
  'answers an instance of a class': () => new Map([[1, 2]]),
  'answers itself': function (this: unknown) {
    return this
  },
  'answers a getter that throws': () => ({
    get a() {
      return raise(new Error('a bug'))
    }
  }),
  'answers what throws when it is looked at': () => hostile(),
  'answers a promise of its own that throws': () => ({ then: () => raise(new Error('a bug')) }),
  'answers an integer that does not fit': () => 2n ** 80n,
  'answers more than can be sent': () => Buffer.alloc(5 * 1024 * 1024)
}

function raise(thrown: unknown): never {
  throw thrown
}

function hostile(): object {
  const refuse = (): never => raise(new Error('do not look'))
  return new Proxy(
    {},
    { get: refuse, has: refuse, ownKeys: refuse, getPrototypeOf: refuse, getOwnPropertyDescriptor: refuse }
  )
}

const methods = {
  ask: query(z.tuple([z.string()]), z.unknown()),
  act: command(z.tuple([z.string()]), z.unknown()),
  count: query(z.tuple([]), z.int())
}
const bad1 = defineContract('Bad', methods)
const bad2 = defineContract('Worse', { ...methods, more: query(z.tuple([]), z.int()) })
const bad3 = defineContract('Worst', { ...methods, most: query(z.tuple([]), z.int()) })

interface State {
  readonly state: { get(key: string): Promise<unknown>; put(key: string, value: number): Promise<void> }
}

class Bad {
  constructor(readonly ctx: State) {}

  ask(how: string): unknown {
    return Reflect.apply(wrongs[how] ?? (() => how), this, [])
  }

  async act(how: string): Promise<unknown> {
    await this.ctx.state.put('n', (await this.count()) + 1)
    return this.ask(how)
  }

  async count(): Promise<number> {
    return ((await this.ctx.state.get('n')) as number | undefined) ?? 0
  }

  more(): number {
    return 0
  }

  most(): number {
    return 0
  }
}

const version1 = defineClass(bad1, Bad as never)
const version2 = defineUpgrade({
  from: bad1,
  to: defineClass(bad2, Bad as never),
  past: Bad,
  future: Bad
})
const version3 = defineUpgrade({
  from: bad2,
  to: defineClass(bad3, Bad as never),
  past: Bad,
  future: Bad
})

let directory: string
let object: TestObject
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-bad-code-'))
  object = await createTestObject({ versions: [version1, version2, version3], directory })
  await object.introduce(2)
  await object.upgrade(2)
  await object.introduce(3)
})
afterAll(async () => {
  await object.close()
  await rm(directory, { recursive: true })
})

const facades = [
  ['the object', 2, 'Worse (version 2)'],
  ['a past simulation object', 1, 'the past simulation object of Bad (version 1)'],
  ['a future simulation object', 3, 'the future simulation object of Worst (version 3)']
] as const

describe.each(facades)('%s', (_, version, name) => {
  describe.each(['ask', 'act'] as const)('in %s', method => {
    it.each(Object.keys(wrongs))(
      'that %s costs its caller an error that names it, and nobody else anything',
      async how => {
        const before = await object.call(version, 'count', [])
        await expect(object.call(version, method, [how])).rejects.toMatchObject({
          name: 'CallError',
          code: 'OutOfContract',
          message: expect.stringMatching(
            new RegExp(`^${name.replaceAll(/[()]/g, String.raw`\$&`)}.*\\b${method}\\b`)
          ) as string,
          detail: { executed: 'no' }
        })
        expect(await object.call(version, 'count', [])).toBe(before)
      }
    )

    it('that answers well does', async () => {
      expect(await object.call(version, method, ['well'])).toBe('well')
    })
  })
})
