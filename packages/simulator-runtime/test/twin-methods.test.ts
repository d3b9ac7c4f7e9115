import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTestObject, type TestObject } from '../src/testing/index.js'
import { bank, bank2, bankV1, bankV2Twin, Post, unreachable, until } from './bank.js'

let directory: string
let post: Post
let object: TestObject
let other: TestObject

const open = (name: string): Promise<TestObject> =>
  createTestObject({
    versions: [bankV1, bankV2Twin],
    directory: join(directory, name),
    keepBefore: true,
    overrides: { outgoing: post.outgoing, limits: { outboxRetryMsMin: 1, outboxRetryMsMax: 2 } }
  })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-twin-methods-'))
  post = new Post()
  other = await open('other')
  object = await open('object')
  post.deliverTo('other', other)
  await other.introduce(2)
  await object.introduce(2)
})

afterEach(async () => {
  await object.close()
  await other.close()
  await rm(directory, { recursive: true })
})

const delivered = (count: number): Promise<void> => until(() => object.host.stats().outbox.delivered === count)

it('sends once what a command sends whose shadow keeps the twin', async () => {
  await object.at(1, bank).pay('other', [1])
  await object.at(2, bank2).pay('other', [2])
  await delivered(2)
  expect(await other.at(1, bank).deposits()).toEqual([1, 2])
  expect(post.sent.map(each => each.version)).toEqual([1, 2])
  expect([await object.at(1, bank).balance(), await object.at(2, bank2).balance()]).toEqual([-3, -3])
})

it('goes on sending through an upgrade and a way back that switch no host', async () => {
  post.before = () => {
    throw unreachable('no')
  }
  await object.at(1, bank).pay('other', [1])
  const { host } = object
  await object.upgrade(2)
  await object.at(2, bank2).pay('other', [2])
  await object.goBack(1)
  await object.at(1, bank).pay('other', [3])
  expect(object.host).toBe(host)
  post.before = () => undefined
  await delivered(3)
  expect(await other.at(1, bank).deposits()).toEqual([1, 2, 3])
  expect(await object.at(1, bank).balance()).toBe(-6)
})

it('lets a flow go on that began before the upgrade, at its version', async () => {
  const line = Promise.withResolvers<undefined>()
  let arrived = false
  post.before = () => {
    arrived = true
    return line.promise
  }
  const flow = object.at(1, bank).payInSteps('other', 4)
  await until(() => arrived)
  await object.upgrade(2)
  line.resolve(undefined)
  expect(await flow).toBe(-4)
  expect([await object.at(1, bank).balance(), await object.at(2, bank2).balance()]).toEqual([-4, -4])
  expect(await other.at(1, bank).balance()).toBe(4)
})
