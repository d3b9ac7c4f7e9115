import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HostRuntimeLimits } from '../src/host/host-runtime.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'
import { bank, bank2, bankV1, bankV2, bankV2Intercepted, Post, unreachable, until } from './bank.js'

let directory: string
let post: Post
let object: TestObject
let other: TestObject

async function open(name: string, limits: Partial<HostRuntimeLimits> = {}): Promise<TestObject> {
  return createTestObject({
    versions: [bankV1, bankV2],
    directory: join(directory, name),
    overrides: { outgoing: post.outgoing, limits: { outboxRetryMsMin: 1, outboxRetryMsMax: 2, ...limits } }
  })
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-flows-'))
  post = new Post()
  other = await open('other')
  object = await open('object')
  post.deliverTo('other', other)
})

afterEach(async () => {
  await object.close()
  await other.close()
  await rm(directory, { recursive: true })
})

const request = { session: 'ef'.repeat(16), seq: 1, doneBelow: 1 }
const transfer = (x: number): Promise<unknown> => object.call(1, 'transfer', ['other', x], request)
/** Keeps a flow waiting for the other peer. */
function holdPost(): { readonly arrived: () => boolean; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let arrived = false
  post.before = () => {
    arrived = true
    return promise
  }
  return { arrived: () => arrived, release: () => resolve(undefined) }
}

describe('a flow', () => {
  it('calls its own commands and those of other peers', async () => {
    expect(await object.at(1, bank).transfer('other', 7)).toEqual({ here: -7, there: 7 })
    expect(await object.at(1, bank).deposits()).toEqual([-7])
    expect(await other.at(1, bank).deposits()).toEqual([7])
    expect(post.sent).toMatchObject([{ kind: 'command', version: 1, method: 'deposit' }])
  })

  it('stands in nobody’s way while it waits', async () => {
    const line = holdPost()
    const flow = transfer(7)
    await until(line.arrived)
    expect(await object.at(1, bank).deposit(1)).toBe(-6)
    line.release()
    expect(await flow).toEqual({ here: -7, there: 7 })
  })

  it('has no state at hand', async () => {
    await expect(object.at(1, bank).readInFlow()).rejects.toMatchObject({
      code: 'OutOfContract',
      message: expect.stringContaining('ctx.self(contract)') as string
    })
  })

  it('is what ctx.self is for: a command is refused it', async () => {
    await expect(object.at(1, bank).selfInCommand()).rejects.toMatchObject({
      code: 'OutOfContract',
      message: expect.stringContaining('it is for flows') as string
    })
  })

  it('casts no shadow, and each of its commands does', async () => {
    await object.introduce(2)
    await object.at(1, bank).transfer('other', 7)
    // The simulation object counts what it was told of.
    expect(await object.at(2, bank2).balance()).toBe(1)
  })

  it('of a simulation object calls its delegate from outside: the simulation object is told like everybody else', async () => {
    await object.introduce(2)
    await object.at(2, bank2).payTwice('other', 1)
    expect(await object.at(1, bank).balance()).toBe(-2)
    expect(await object.at(2, bank2).balance()).toBe(2)
    expect(await object.at(2, bank2).transfer('other', 1)).toEqual({ here: -3, there: expect.any(Number) as number })
    expect(await object.at(2, bank2).balance()).toBe(3)
  })

  it('of a delegate stays with it behind an interceptor, which gets its steps', async () => {
    await object.close()
    object = await createTestObject({
      versions: [bankV1, bankV2Intercepted],
      directory: join(directory, 'intercepted'),
      overrides: { outgoing: post.outgoing }
    })
    await object.introduce(2)
    expect(await object.at(1, bank).transfer('other', 7)).toEqual({ here: -7, there: 7 })
    expect(await object.at(2, bank2).balance()).toBe(1)
    // The interceptor's own flow reaches past itself.
    expect(await object.at(2, bank2).payTwice('other', 1)).toBe(-9)
    expect(object.host.stats().withdrawn).toBe(0)
  })

  it('of the new class goes through its own version', async () => {
    await other.introduce(2)
    await object.upgrade()
    expect(await object.at(2, bank2).payTwice('other', 1)).toBe(-2)
    expect(await object.at(1, bank).transfer('other', 1)).toMatchObject({ here: -3 })
  })
})

describe('a flow in a session', () => {
  it('answers a repeat with what it came to, also in another process', async () => {
    const [first, repeat] = await Promise.all([transfer(7), transfer(7)])
    expect(repeat).toEqual(first)
    await object.crash()
    expect(await transfer(7)).toEqual(first)
    expect(await object.at(1, bank).deposits()).toEqual([-7])
  })

  it('is not run again when its host was killed after its first step', async () => {
    const line = holdPost()
    transfer(7).catch(() => undefined)
    await until(line.arrived)
    await object.crash()
    await expect(transfer(7)).rejects.toMatchObject({ code: 'AnswerTooOld', detail: { executed: 'unknown' } })
    expect(await object.at(1, bank).deposits()).toEqual([-7])
  })

  it('runs again when it had taken no step that can have an effect', async () => {
    const line = holdPost()
    const peek = (): Promise<unknown> => object.call(1, 'peek', ['other'], request)
    peek().catch(() => undefined)
    await until(line.arrived)
    await object.crash()
    line.release()
    expect(await peek()).toBe(0)
  })

  it('says that it may have run when it fails in the middle', async () => {
    post.before = () => {
      throw unreachable('no')
    }
    await expect(transfer(7)).rejects.toMatchObject({ code: 'Failed', detail: { executed: 'unknown' } })
    expect(await object.at(1, bank).deposits()).toEqual([-7])
  })
})

describe('a drain', () => {
  it('tells flows, and waits for them', async () => {
    const line = holdPost()
    const flow = object.at(1, bank).watch('other')
    await until(line.arrived)
    expect(await object.host.drain(10_000)).toEqual({ cut: 0 })
    expect(await flow).toBe('told')
  })

  it('lets a flow finish its steps', async () => {
    const line = holdPost()
    const flow = transfer(7)
    await until(line.arrived)
    const drained = object.host.drain(10_000)
    line.release()
    expect(await flow).toEqual({ here: -7, there: 7 })
    expect(await drained).toEqual({ cut: 0 })
  })

  it('cuts off what waits for another peer at its deadline, and says what may have run', async () => {
    const line = holdPost()
    const begun = transfer(7)
    const notBegun = object.at(1, bank).peek('other')
    const outcomes = Promise.allSettled([begun, notBegun])
    await until(line.arrived)
    await until(async () => (await object.at(1, bank).deposits()).length === 1)
    expect(await object.host.drain(20)).toEqual({ cut: 2 })
    expect(await outcomes).toMatchObject([
      { reason: { code: 'Upgrading', detail: { executed: 'unknown' } } },
      { reason: { code: 'Upgrading', detail: { executed: 'no' } } }
    ])
  })
})

it('answers Busy above the bound', async () => {
  await object.close()
  object = await open('small', { flowsMax: 1 })
  const line = holdPost()
  const first = object.at(1, bank).peek('other')
  await until(line.arrived)
  await expect(transfer(1)).rejects.toMatchObject({ code: 'Busy', detail: { executed: 'no' } })
  line.release()
  await first
  expect(await transfer(1)).toMatchObject({ here: -1 })
})
