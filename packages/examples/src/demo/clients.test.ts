import { describe, expect, it } from 'vitest'
import type { Colour } from '../int-set/contracts.js'
import type { Caller } from './callers.js'
import { checkState } from './check-state.js'
import { createDemoClient, type CallError, type DemoClient } from './clients.js'
import type { Answer, Operation } from './model.js'
import { createPlainSet, type PlainSet } from './plain-set.js'

/** A peer of version 2 in memory, right unless a flaw says otherwise. */
function fakePeer(flaw: (operation: Operation, answer: Answer) => Answer = (_, answer) => answer): Caller {
  const items = new Map<number, Colour>()
  const answer = (operation: Operation): Answer => {
    const { x } = operation
    switch (operation.method) {
      case 'insert':
        if (!items.has(x)) items.set(x, 'blue')
        return { ok: true, value: undefined }
      case 'insertColor':
        items.set(x, operation.colour)
        return { ok: true, value: undefined }
      case 'delete':
        items.delete(x)
        return { ok: true, value: undefined }
      case 'contains':
        return { ok: true, value: items.has(x) }
      case 'getColor': {
        const value = items.get(x)
        return value === undefined ? { ok: false, code: 'Failed', message: 'absent' } : { ok: true, value }
      }
    }
  }
  return async operation => {
    await new Promise(resolve => setImmediate(resolve))
    return flaw(operation, answer(operation))
  }
}

/** Two clients call one fake peer until so many calls are made. */
async function play(
  call: Caller,
  callsWanted = 600
): Promise<{ clients: DemoClient[]; errors: CallError[]; set: PlainSet }> {
  const errors: CallError[] = []
  const set = createPlainSet(20)
  const enough = Promise.withResolvers<undefined>()
  let calls = 0
  const counted: Caller = async operation => {
    if (++calls === callsWanted) enough.resolve(undefined)
    return call(operation)
  }
  const clients = ([1, 2] as const).map(version =>
    createDemoClient({
      version,
      lanesPerPeer: 3,
      pauseMs: 0,
      random: Math.random,
      now: () => performance.now(),
      onError: error => errors.push(error)
    })
  )
  for (const client of clients) client.addPeer({ name: 'ada', set, mayRunVersion1: () => false }, counted)
  await enough.promise
  await Promise.all(clients.map(client => client.stop()))
  return { clients, errors, set }
}

describe('the clients of the demo', () => {
  it('find nothing wrong with a peer that is right, although both call it at once', async () => {
    const call = fakePeer()
    const { clients, errors, set } = await play(call)
    expect(errors).toEqual([])
    expect(clients.every(({ counts }) => counts.calls > 100 && counts.wrong === 0)).toBe(true)
    for (const version of [1, 2] as const)
      expect(await checkState(set, call, version)).toEqual({ compared: 20, differences: [] })
  })

  it('find one wrong colour', async () => {
    let flawed = 0
    const { clients, errors } = await play(
      fakePeer((operation, answer) => {
        if (operation.method !== 'getColor' || !answer.ok || answer.value !== 'blue' || flawed > 0) return answer
        flawed++
        return { ok: true, value: 'red' }
      })
    )
    expect(errors).toEqual([{ peer: 'ada', client: 2, why: expect.stringMatching(/on blue answered "red"/) as string }])
    expect(clients[1]?.counts.wrong).toBe(1)
  })

  it('find one call that was given up', async () => {
    let flawed = false
    const { clients, errors } = await play(
      fakePeer((_, answer) => {
        if (flawed) return answer
        flawed = true
        return { ok: false, code: 'Unreachable', message: 'nobody there' }
      })
    )
    expect(errors).toHaveLength(1)
    expect(clients.reduce((sum, { counts }) => sum + counts.givenUp, 0)).toBe(1)
  })
})

describe('the comparison of state', () => {
  it('names each element that differs', async () => {
    const call = fakePeer()
    const set = createPlainSet(3)
    set.set(1, 'blue')
    const { compared, differences } = await checkState(set, call, 1)
    expect(compared).toBe(2)
    expect(differences).toEqual(['version 1 contains(1) on blue answered false instead of true'])
  })

  it('waits for the call that is under way about an element', async () => {
    const set = createPlainSet(1)
    expect(set.tryTake(0)).toBe(true)
    const checking = checkState(set, fakePeer(), 2)
    set.set(0, undefined)
    set.release(0)
    expect(await checking).toEqual({ compared: 1, differences: [] })
  })

  it('does not pass over an element that nobody knows any more', async () => {
    const set = createPlainSet(1)
    set.taint(0)
    expect((await checkState(set, fakePeer(), 2)).differences).toHaveLength(1)
  })
})
