import { CallError } from '@instar/core'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HostRuntimeLimits } from '../src/host/host-runtime.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'
import { bank, bank2, bankV1, bankV2, Post, unreachable, until } from './bank.js'

let directory: string
let post: Post
let sender: TestObject
let receiver: TestObject
let wallMs: number
let warnings: string[]

async function open(name: string, limits: Partial<HostRuntimeLimits> = {}): Promise<TestObject> {
  return createTestObject({
    versions: [bankV1, bankV2],
    directory: join(directory, name),
    keepBefore: true,
    overrides: {
      outgoing: post.outgoing,
      now: () => wallMs,
      limits: { outboxRetryMsMin: 1, outboxRetryMsMax: 2, ...limits },
      log: { info: () => undefined, warn: (_detail, message) => void warnings.push(message) }
    }
  })
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-outbox-'))
  post = new Post()
  wallMs = 1_000_000
  warnings = []
  receiver = await open('receiver')
  sender = await open('sender')
  post.deliverTo('other', receiver)
})

afterEach(async () => {
  await sender.close()
  await receiver.close()
  await rm(directory, { recursive: true })
})

const deposits = (): Promise<number[]> => receiver.at(1, bank).deposits()
const stats = () => sender.host.stats().outbox
const settled = (): Promise<void> => until(() => stats().waiting === 0)
const pay = (...amounts: number[]): Promise<number> => sender.at(1, bank).pay('other', amounts)

describe('a call that a command leaves for after its commit', () => {
  it('is made after it, in the order of the commits, with numbers of one session', async () => {
    expect(await pay(1, 2)).toBe(-3)
    expect(await pay(3)).toBe(-6)
    await settled()
    expect(await deposits()).toEqual([1, 2, 3])
    expect(stats()).toEqual({ waiting: 0, delivered: 3, refused: 0, givenUp: 0 })
    expect(post.sent.map(each => each.request?.seq)).toEqual([1, 2, 3])
    expect(new Set(post.sent.map(each => each.request?.session)).size).toBe(1)
    expect(post.sent[0]).toMatchObject({
      peer: 'other',
      className: 'Bank',
      version: 1,
      method: 'deposit',
      kind: 'command'
    })
  })

  it('is not made when the command fails', async () => {
    await expect(sender.at(1, bank).payAndFail('other', 1)).rejects.toMatchObject({ code: 'Failed' })
    await pay(2)
    await settled()
    expect(await deposits()).toEqual([2])
  })

  it('is not made before the batch of its command is written', async () => {
    let seen = -1
    post.before = () => {
      if (seen < 0) seen = sender.host.stats().commits
    }
    await pay(1)
    await settled()
    expect(seen).toBe(1)
  })

  it('is taken back with the nested command that fails, and that of whoever called it stays', async () => {
    await sender.introduce(2)
    await sender.at(2, bank2).payBySelf('other', 7)
    await settled()
    expect(post.sent).toMatchObject([{ version: 2, method: 'deposit' }])
    expect(await sender.at(1, bank).balance()).toBe(0)
  })

  it('carries the version of the façade that made it', async () => {
    await sender.introduce(2)
    await sender.at(2, bank2).pay('other', [1])
    await settled()
    // The simulation object left it to its delegate.
    expect(post.sent).toMatchObject([{ version: 1 }])
  })

  it('may not be left by a shadow: it costs the simulation object, not the call (R14, P2)', async () => {
    await sender.introduce(2)
    expect(await sender.at(1, bank).deposit(666)).toBe(666)
    await expect(sender.at(2, bank2).deposit(1)).rejects.toMatchObject({ code: 'NotYet' })
    expect(warnings.join()).toContain('a shadow makes no remote call (R14)')
    expect(post.sent).toEqual([])
  })

  it('may not be left by a query', async () => {
    await expect(sender.at(1, bank).sendInQuery()).rejects.toMatchObject({
      code: 'OutOfContract',
      message: expect.stringContaining('make the method a command') as string
    })
  })

  it('is checked against the contract before anything is sent', async () => {
    await expect(sender.call(1, 'pay', ['', [1]])).rejects.toMatchObject({ code: 'OutOfContract' })
    expect(stats().waiting).toBe(0)
  })
})

describe('a call in the outbox', () => {
  it('is made again until it is answered, and runs once', async () => {
    let lost = 0
    post.before = () => {
      if (++lost <= 2) throw unreachable('no')
    }
    post.after = () => {
      if (++lost <= 5) throw unreachable('unknown')
    }
    await pay(5)
    await settled()
    expect(post.sent.length).toBeGreaterThan(3)
    expect(await deposits()).toEqual([5])
  })

  it('runs once when the sender is killed between commit and sending', async () => {
    post.before = () => {
      throw unreachable('no')
    }
    await pay(1)
    await pay(2)
    await sender.crash()
    post.before = () => undefined
    await settled()
    expect(await deposits()).toEqual([1, 2])
  })

  it('runs once when the sender is killed between sending and answer', async () => {
    let arrived = 0
    post.after = async () => {
      arrived++
      await new Promise(() => undefined)
    }
    await pay(1, 2)
    await until(() => arrived > 0)
    // What hangs goes on hanging; the next process may send as soon as it is open.
    post.after = () => undefined
    await sender.crash()
    await settled()
    expect(await deposits()).toEqual([1, 2])
    expect(post.sent[0]?.request).toEqual(post.sent[1]?.request)
  })

  it('runs once when the sender is killed between the answer and the record that there was one', async () => {
    await pay(1)
    await settled()
    // What the killed process still had on disk: the state from before.
    const first = post.sent[0]?.request
    await sender.crash()
    await pay(2)
    await settled()
    expect(await deposits()).toEqual([1, 2])
    expect(post.sent.at(-1)?.request?.session).not.toBe(first?.session)
  })

  it('goes on after an upgrade, at the version that made it', async () => {
    post.before = () => {
      throw unreachable('no')
    }
    await pay(4)
    await sender.upgrade()
    post.before = () => undefined
    await settled()
    expect(await deposits()).toEqual([4])
    expect(post.sent.at(-1)).toMatchObject({ version: 1 })
  })

  it('stands also when the object goes back to a state from before it', async () => {
    await sender.upgrade()
    post.before = () => {
      throw unreachable('no')
    }
    await sender.at(2, bank2).pay('other', [9])
    await sender.goBack(1)
    expect(await sender.at(1, bank).balance()).toBe(0)
    post.before = () => undefined
    await receiver.introduce(2)
    await settled()
    expect(await receiver.at(1, bank).deposits()).toEqual([9])
  })

  it('is not waited for by a drain, and nothing leaves after it', async () => {
    post.before = () => new Promise(() => undefined)
    await pay(1)
    await until(() => post.sent.length === 1)
    expect(await sender.host.drain(10_000)).toEqual({ cut: 0 })
    await sender.restart()
    post.before = () => undefined
    await sender.restart()
    await settled()
    expect(await deposits()).toEqual([1])
  })

  it('that is refused for good is counted and logged, and the next one is made', async () => {
    post.before = call => {
      if (call.version === 1 && post.sent.length === 1) throw new CallError('Retired', { message: 'long gone' })
    }
    await pay(1, 2)
    await settled()
    expect(stats()).toEqual({ waiting: 0, delivered: 1, refused: 1, givenUp: 0 })
    expect(warnings.join()).toContain('long gone')
    expect(await deposits()).toEqual([2])
  })

  it('goes into a new session when the receiver has lost the old one and it cannot have run', async () => {
    await pay(1)
    await settled()
    // Another receiver by the same name, which has never heard of the session.
    await receiver.close()
    receiver = await open('another')
    post.deliverTo('other', receiver)
    await pay(2)
    await settled()
    expect(await deposits()).toEqual([2])
    expect(stats()).toMatchObject({ delivered: 2, givenUp: 0 })
  })

  it('is given up when the receiver has lost the session after it may have run', async () => {
    await pay(1)
    await settled()
    post.after = call => {
      if (call.request?.seq === 2) throw unreachable('unknown')
    }
    post.before = async call => {
      if (call.request?.seq !== 2 || post.sent.length < 4) return
      throw new CallError('SessionLost', { message: 'who are you', executed: 'unknown' })
    }
    await pay(2, 3)
    await settled()
    expect(stats()).toEqual({ waiting: 0, delivered: 2, refused: 0, givenUp: 1 })
    expect(await deposits()).toEqual([1, 2, 3])
    expect(warnings.join()).toContain('cannot be found out')
  })

  it('goes under a new number when the receiver ran out of time before it ran', async () => {
    let tries = 0
    post.before = () => {
      if (++tries === 1) throw new CallError('DeadlineExceeded', { message: 'not in time' })
    }
    await pay(1, 2)
    await settled()
    expect(await deposits()).toEqual([1, 2])
    expect(post.sent[1]?.request?.session).not.toBe(post.sent[0]?.request?.session)
  })

  it('is given up when it is too old, but not before it was tried', async () => {
    post.before = () => {
      throw unreachable('no')
    }
    await pay(1)
    wallMs += 48 * 3_600_000
    await settled()
    expect(post.sent.length).toBeGreaterThanOrEqual(5)
    expect(stats()).toEqual({ waiting: 0, delivered: 0, refused: 0, givenUp: 1 })
    expect(warnings.join()).toContain('waited too long')
    await sender.restart()
    expect(stats().waiting).toBe(0)
  })
})

describe('a full outbox', () => {
  it('answers Busy, keeps nothing of the command, and lets a repeat run when there is room', async () => {
    await sender.close()
    sender = await open('small', { outboxCallsPerPeerMax: 2 })
    post.before = () => {
      throw unreachable('no')
    }
    await pay(1, 2)
    const request = { session: 'cd'.repeat(16), seq: 1, doneBelow: 1 }
    const third = (): Promise<unknown> => sender.call(1, 'pay', ['other', [3]], request)
    await expect(third()).rejects.toMatchObject({ code: 'Busy' })
    expect(await sender.at(1, bank).balance()).toBe(-3)
    // Others have their own room.
    await sender.at(1, bank).pay('another', [1])
    post.before = call => {
      if (call.peer === 'another') throw unreachable('no')
    }
    await until(() => stats().waiting === 1)
    expect(await third()).toBe(-7)
  })
})
