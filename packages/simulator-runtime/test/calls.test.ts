import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeValue } from '../src/codec/codec.js'
import type { OutgoingCall } from '../src/host/host-runtime.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'
import { late, ledger, ledger2, ledgerV1, ledgerV2 } from './ledger.js'

let directory: string
let object: TestObject
let outgoing: OutgoingCall[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-calls-'))
  outgoing = []
  object = await createTestObject({
    versions: [ledgerV1, ledgerV2],
    directory,
    overrides: {
      limits: { futureCommandMsMax: 100 },
      outgoing: async call => {
        outgoing.push(call)
        return encodeValue([1, 2])
      }
    }
  })
})

afterEach(async () => {
  late.release()
  await object.close()
  await rm(directory, { recursive: true })
})

const code = (code: string, executed = 'no'): unknown =>
  expect.objectContaining({ code, detail: expect.objectContaining({ executed }) as unknown })
const both = (): Promise<unknown> => object.at(1, ledger).both()

describe('commands', () => {
  it('run one after the other, each on what the ones before it left, and commit together', async () => {
    const calls = Array.from({ length: 50 }, () => object.at(1, ledger).move(1))
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, i) => 49 - i))
    expect(await both()).toEqual([0, 100])
  })

  it.each([
    ['failed', 'Failed'],
    ['disallowed', 'Disallowed'],
    ['bug', 'OutOfContract']
  ] as const)('leave nothing behind when they throw (%s)', async (how, expected) => {
    await expect(object.at(1, ledger).failAfterWriting(how)).rejects.toEqual(code(expected))
    expect(await both()).toEqual([50, 50])
  })

  it('leave nothing behind when they answer out of contract', async () => {
    await expect(object.at(1, ledger).answerWrongly()).rejects.toEqual(code('OutOfContract'))
    expect(await both()).toEqual([50, 50])
  })

  it('may not call other peers', async () => {
    await expect(object.at(1, ledger).callPeer()).rejects.toEqual(code('OutgoingCallInCommand'))
    expect(await both()).toEqual([50, 50])
    expect(outgoing).toEqual([])
  })

  it('that never answer lose their turn at their deadline, and can write nothing after it', async () => {
    const hanging = object.call(1, 'hang', [], { remainingMs: 30 })
    const next = object.at(1, ledger).move(1)
    await expect(hanging).rejects.toEqual(code('DeadlineExceeded'))
    expect(await next).toBe(49)
    late.release()
    await new Promise(resolve => setImmediate(resolve))
    await expect(late.write).rejects.toMatchObject({ name: 'RequestOver' })
    expect(await both()).toEqual([49, 51])
  })

  it('of a version that is not upgraded to yet leave the lane soon, whatever time their callers give them (P2)', async () => {
    await object.introduce(2)
    const hanging = object.call(2, 'hang', [], { remainingMs: 3_600_000 })
    const next = object.at(1, ledger).move(1)
    await expect(hanging).rejects.toEqual(code('DeadlineExceeded'))
    expect(await next).toBe(49)
  })

  it('that wait past their deadline never run', async () => {
    const hanging = object.call(1, 'hang', [], { remainingMs: 200 })
    await expect(object.call(1, 'move', [1], { remainingMs: 20 })).rejects.toEqual(code('DeadlineExceeded'))
    await expect(hanging).rejects.toEqual(code('DeadlineExceeded'))
    expect(await both()).toEqual([50, 50])
  })
})

describe('queries', () => {
  it('never see half a command', async () => {
    const seen: unknown[] = []
    const writing = Promise.all(Array.from({ length: 30 }, () => object.at(1, ledger).move(1)))
    for (let i = 0; i < 60; i++) seen.push(object.at(1, ledger).both())
    await writing
    for (const pair of (await Promise.all(seen)) as [number, number][]) expect(pair[0] + pair[1]).toBe(100)
  })

  it('see every command that was answered before they began', async () => {
    for (let i = 1; i <= 20; i++) {
      await object.at(1, ledger).move(1)
      expect(await both()).toEqual([50 - i, 50 + i])
    }
  })

  it('cannot write', async () => {
    await expect(object.at(1, ledger).writeInQuery()).rejects.toEqual(code('OutOfContract'))
  })

  it('may call other peers, at the version of the façade that calls', async () => {
    expect(await object.at(1, ledger).askPeer()).toEqual([1, 2])
    expect(outgoing).toMatchObject([{ peer: 'other', className: 'Ledger', version: 1, method: 'both' }])
  })

  it('that never answer are ended at their deadline, with a signal', async () => {
    late.aborted = false
    await expect(object.call(1, 'hangQuery', [], { remainingMs: 20 })).rejects.toEqual(code('DeadlineExceeded'))
    expect(late.aborted).toBe(true)
    expect(object.host.stats().running).toBe(0)
  })

  it('end when the caller gives up', async () => {
    const controller = new AbortController()
    const hanging = object.call(1, 'hangQuery', [], { signal: controller.signal })
    controller.abort()
    await expect(hanging).rejects.toEqual(code('DeadlineExceeded'))
  })

  it('have one time and one sequence of chance', async () => {
    const [now, again, first, second] = await object.at(1, ledger).moment()
    expect(now).toBe(again)
    expect(first).not.toBe(second)
  })
})

describe('simulation objects', () => {
  beforeEach(async () => {
    await object.introduce(2)
  })

  it('share the transaction of the call with their delegates', async () => {
    const v2 = object.at(2, ledger2)
    expect(await v2.moveTwice(5)).toBe(1)
    expect(await both()).toEqual([40, 60])
    await expect(v2.moveTwice(60)).rejects.toEqual(code('Failed'))
    expect(await both()).toEqual([40, 60])
    expect(await v2.count()).toBe(1)
  })

  it('that swallow an error of a delegate’s command keep nothing of that command', async () => {
    expect(await object.at(2, ledger2).swallow()).toBe(1)
    expect(await both()).toEqual([50, 50])
  })

  it('may not answer while a command of their delegate runs', async () => {
    await expect(object.at(2, ledger2).forget()).rejects.toEqual(code('OutOfContract'))
    expect(await both()).toEqual([50, 50])
  })

  it('may not call a command of their delegate from a query', async () => {
    await expect(object.at(2, ledger2).commandInQuery()).rejects.toEqual(code('OutOfContract'))
  })

  it('that pass invalid arguments on are at fault, not their caller', async () => {
    await expect(object.at(2, ledger2).badArguments()).rejects.toEqual(code('OutOfContract'))
  })
})

describe('a call', () => {
  it.each([
    ['a revision that is not served', 2, 'both', [], 'UnknownVersion'],
    ['a method that is not there', 1, 'steal', [], 'UnknownMethod'],
    ['a method that every object has', 1, 'constructor', [], 'UnknownMethod'],
    ['arguments out of contract', 1, 'move', ['1'], 'InvalidInput'],
    ['too many arguments', 1, 'move', [1, 2], 'InvalidInput']
  ])('with %s is refused and runs nothing', async (_, version, method, args, expected) => {
    await expect(object.call(version, method, args)).rejects.toEqual(code(expected))
    expect(await both()).toEqual([50, 50])
  })

  it('with bytes that are no value is refused', async () => {
    const request = { revision: 1, version: 1, method: 'both', seq: 1, doneBelow: 1, remainingMs: 1000, caller: 'x' }
    const signal = new AbortController().signal
    for (const args of [new Uint8Array([0xc1]), encodeValue('text'), new Uint8Array()]) {
      await expect(object.host.call({ ...request, args, signal })).rejects.toEqual(code('InvalidInput'))
    }
  })

  it('whose deadline has passed already is not run', async () => {
    await expect(object.call(1, 'move', [1], { remainingMs: 0 })).rejects.toEqual(code('DeadlineExceeded'))
  })
})

describe('drain', () => {
  it('waits for what runs, and refuses what comes', async () => {
    const running = object.at(1, ledger).move(1)
    const drained = object.host.drain(1000)
    await expect(object.at(1, ledger).move(1)).rejects.toEqual(code('Upgrading'))
    expect(await drained).toEqual({ cut: 0 })
    expect(await running).toBe(49)
  })

  it('cuts off what does not end in time, and nothing of that takes effect', async () => {
    const calls = [object.call(1, 'hang', []), object.call(1, 'hangQuery', []), object.call(1, 'move', [1])]
    const outcomes = Promise.allSettled(calls)
    expect(await object.host.drain(20)).toEqual({ cut: 3 })
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'Upgrading' } })
    await object.restart()
    expect(await both()).toEqual([50, 50])
  })
})
