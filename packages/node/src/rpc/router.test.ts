import { CallError, type Routes } from '@instar/core'
import { describe, expect, it } from 'vitest'
import type { HostCallHeader } from '../host/host-port.js'
import { createCallCounters } from './call-counters.js'
import { createRouter, type Router } from './router.js'

const routes: Routes = {
  entries: [{ version: 1, chainId: 'c'.repeat(16), className: 'set', state: 'served', revision: 1 }],
  served: [1, 1],
  newest: 1
}
const header = { version: 1, className: 'set', method: 'size', seq: 0, doneBelow: 0, remainingMs: 100 }
const noBytes = new Uint8Array(0)
const call = { signal: new AbortController().signal, remainingMs: 70 }

function setUp(answer: (header: HostCallHeader) => Promise<Uint8Array> = async () => noBytes) {
  const uses: number[] = []
  const pulls: unknown[] = []
  const counters = createCallCounters()
  let time = 0
  const router: Router = createRouter({
    routes: () => routes,
    host: { call: answer },
    counters,
    onUse: version => uses.push(version),
    onHigherVersion: (peer, version) => pulls.push([peer, version]),
    now: () => time
  })
  return { router, counters, uses, pulls, advance: (ms: number) => (time += ms) }
}

describe('the router', () => {
  it('tells the host who calls and what time is left, whatever the caller wrote', async () => {
    const seen: HostCallHeader[] = []
    const { router } = setUp(async each => {
      seen.push(each)
      return noBytes
    })
    await router('alice', { ...header, caller: 'bob', revision: 9 }, noBytes, call)
    expect(seen).toEqual([{ ...header, caller: 'alice', revision: 1, remainingMs: 70 }])
  })

  it('ends a call that has come through too many peers, and names the last of them', async () => {
    const reached: number[] = []
    const { router, counters } = setUp(async each => {
      reached.push(each.hops ?? 0)
      return noBytes
    })
    const trail = '… → ring.next at …aaaaaaaa → ring.next at …bbbbbbbb'
    await router('alice', { ...header, hops: 32, trail }, noBytes, call)
    await expect(router('alice', { ...header, hops: 33, trail }, noBytes, call)).rejects.toMatchObject({
      code: 'TooManyHops',
      message: `set.size was called through 33 peers, at most 32 are allowed: ${trail} → set.size`,
      detail: { executed: 'no' }
    })
    expect(reached).toEqual([32])
    expect(counters.perCode()).toEqual({ TooManyHops: 1 })
  })

  it('tells of use and of news at most once a second', async () => {
    const { router, uses, pulls, advance } = setUp()
    const above = (caller: string): Promise<unknown> =>
      router(caller, { ...header, version: 5 }, noBytes, call).catch((error: unknown) => error)
    for (const ms of [0, 500, 500]) {
      advance(ms)
      await router('alice', header, noBytes, call)
      await above('alice')
    }
    await above('bob')
    expect(uses).toEqual([1, 1])
    expect(pulls).toEqual([
      ['alice', 5],
      ['alice', 5],
      ['bob', 5]
    ])
  })

  it('counts calls, disallows and errors per version, and every code', async () => {
    const outcomes = [undefined, 'Disallowed', 'OutOfContract', 'Upgrading'] as const
    let turn = 0
    const { router, counters } = setUp(async () => {
      const code = outcomes[turn++]
      if (code !== undefined) throw new CallError(code, { message: code })
      return noBytes
    })
    for (const _ of outcomes) await router('alice', header, noBytes, call).catch((error: unknown) => error)
    expect(counters.perVersion()).toEqual({ 1: { calls: 4, disallowed: 1, errors: 1 } })
    expect(counters.perCode()).toEqual({ Disallowed: 1, OutOfContract: 1, Upgrading: 1 })
  })

  it('turns a failure that is no call error into one', async () => {
    const { router } = setUp(() => Promise.reject(new Error('pipe')))
    await expect(router('alice', header, noBytes, call)).rejects.toMatchObject({
      code: 'Failed',
      detail: { executed: 'unknown' }
    })
  })
})
