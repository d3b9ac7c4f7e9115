import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestObject, type TestObject } from '../src/testing/index.js'
import { late, ledger, ledgerV1, ledgerV2 } from './ledger.js'

let directory: string
let object: TestObject
const session = 'ab'.repeat(16)

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-sessions-'))
  object = await createTestObject({
    versions: [ledgerV1, ledgerV2],
    directory,
    overrides: { limits: { sessionsMax: 3, sessionWindow: 8 } }
  })
})

afterEach(async () => {
  late.release()
  await object.close()
  await rm(directory, { recursive: true })
})

const move = (seq: number, doneBelow = 1, id = session): Promise<unknown> =>
  object.call(1, 'move', [1], { session: id, seq, doneBelow })
const both = (): Promise<unknown> => object.at(1, ledger).both()

describe('a session', () => {
  it('answers a repeat with the kept answer and runs nothing', async () => {
    expect(await move(1)).toBe(49)
    expect(await move(2)).toBe(48)
    expect(await move(1)).toBe(49)
    expect(await both()).toEqual([48, 52])
  })

  it('lets a repeat join the request that runs', async () => {
    expect(await Promise.all([move(1), move(1), move(1)])).toEqual([49, 49, 49])
    expect(await both()).toEqual([49, 51])
  })

  it('is remembered after a restart, and after a kill between commit and answer', async () => {
    expect(await move(1)).toBe(49)
    await object.restart()
    expect(await move(1)).toBe(49)
    // The answer of 2 is committed; the process is gone before anyone hears of it.
    void move(2)
    while (object.host.stats().commits < 1) await new Promise(resolve => setImmediate(resolve))
    await object.crash()
    expect(await move(2)).toBe(48)
    expect(await both()).toEqual([48, 52])
  })

  it('runs a request again that a kill cut off before its commit', async () => {
    expect(await move(1)).toBe(49)
    const cut = move(2)
    cut.catch(() => undefined)
    await object.crash()
    expect(await move(2)).toBe(48)
    expect(await both()).toEqual([48, 52])
  })

  it('keeps the outcome of a command that failed: a late copy must not take effect after its caller was told', async () => {
    const fail = (): Promise<unknown> => object.call(1, 'failAfterWriting', ['failed'], { session, seq: 1 })
    await expect(fail()).rejects.toMatchObject({ code: 'Failed', detail: { reason: 'no more money' } })
    await object.restart()
    await expect(fail()).rejects.toMatchObject({ code: 'Failed', detail: { reason: 'no more money' } })
    await expect(object.call(1, 'move', ['bad'], { session, seq: 2 })).rejects.toMatchObject({ code: 'InvalidInput' })
    await object.restart()
    expect(await move(3, 3)).toBe(49)
  })

  it('that nobody knows is lost, unless it begins', async () => {
    await expect(move(2)).rejects.toMatchObject({ code: 'SessionLost', detail: { executed: 'unknown' } })
    expect(await both()).toEqual([50, 50])
  })

  it('forgets answers that the caller has, and says so to one that asks again', async () => {
    await move(1)
    await move(2, 2)
    await expect(move(1)).rejects.toMatchObject({ code: 'AnswerTooOld', detail: { executed: 'unknown' } })
    await object.restart()
    await expect(move(1)).rejects.toMatchObject({ code: 'AnswerTooOld' })
    expect(await move(2, 2)).toBe(48)
  })

  it('keeps no large answer', async () => {
    const large = (): Promise<unknown> => object.call(1, 'large', [5000], { session, seq: 1 })
    expect(await large()).toHaveLength(5000)
    await expect(large()).rejects.toMatchObject({ code: 'AnswerTooOld' })
    expect(await both()).toEqual([49, 51])
  })

  it('holds a bounded number of requests', async () => {
    await move(1)
    await expect(move(9)).rejects.toMatchObject({ code: 'Busy' })
    expect(await move(9, 2)).toBe(48)
  })

  it('refuses a number that another method has used', async () => {
    await move(1)
    const other = object.call(1, 'large', [1], { session, seq: 1 })
    await expect(other).rejects.toMatchObject({ code: 'InvalidInput' })
  })

  it('is forgotten when others are used more', async () => {
    const ids = ['1', '2', '3', '4'].map(digit => digit.repeat(32))
    await move(1, 1, ids[0])
    await move(1, 1, ids[1])
    await move(1, 1, ids[2])
    await move(2, 2, ids[0])
    await move(1, 1, ids[3])
    await object.restart()
    expect(object.host.stats().sessions).toBe(3)
    await expect(move(2, 1, ids[1])).rejects.toMatchObject({ code: 'SessionLost' })
    expect(await move(2, 2, ids[0])).toBe(46)
  })

  it('takes no number of a query', async () => {
    expect(await object.call(1, 'both', [], { session, seq: 7 })).toEqual([50, 50])
    expect(await move(1)).toBe(49)
  })

  it('survives an upgrade', async () => {
    await move(1)
    await object.introduce(2)
    expect(await move(1)).toBe(49)
    expect(await move(2, 2)).toBe(48)
  })

  it.each([
    [{ session: 'short', seq: 1, doneBelow: 1 }],
    [{ session, seq: 0, doneBelow: 1 }],
    [{ session, seq: 1, doneBelow: 2 }],
    [{ session, seq: 1.5, doneBelow: 1 }]
  ])('refuses a malformed request %j', async request => {
    await expect(object.call(1, 'move', [1], request)).rejects.toMatchObject({ code: 'InvalidInput' })
    expect(await both()).toEqual([50, 50])
  })

  it('answers a command that overran again as overrun', async () => {
    const hang = (): Promise<unknown> => object.call(1, 'hang', [], { session, seq: 1, remainingMs: 20 })
    await expect(hang()).rejects.toMatchObject({ code: 'DeadlineExceeded', detail: { executed: 'no' } })
    await expect(hang()).rejects.toMatchObject({ code: 'DeadlineExceeded', detail: { executed: 'no' } })
    expect(await both()).toEqual([50, 50])
  })
})
