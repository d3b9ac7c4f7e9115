import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { CallError, type CallErrorCode } from '@instar/core'
import type { Client } from '@instar/client'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { findControlSocket } from '@instar/node/control'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fixtureModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

/** Code that throws, never answers, answers out of contract, floods memory or asks in a circle, in real peers (R12, P2). */
let network: LocalNetwork
let client: Client
let peer: LocalPeer
let other: LocalPeer

const timing = { stallMs: 3000, heapMiB: 64, memoryMiB: 600, retryMinMs: 100 }
const deadlineMs = 40_000

beforeAll(async () => {
  network = await createLocalNetwork({ classes: [fixtureModule('faulty/bad-class')] })
  ;[peer, other] = (await network.startPeers(['peer', 'other'], { timing })) as [LocalPeer, LocalPeer]
  for (const each of [peer, other]) await each.until('serves', ({ served }) => served !== undefined)
  client = await network.client()
})
afterAll(() => network.stop())

interface Side {
  readonly version: number
  readonly className: string
  readonly role: 'object' | 'past' | 'future'
}

const v1: Side = { version: 1, className: 'Bad', role: 'object' }
const future: Side = { version: 2, className: 'Worse', role: 'future' }
const v2: Side = { version: 2, className: 'Worse', role: 'object' }
const past: Side = { version: 1, className: 'Bad', role: 'past' }

const call = ({ version, className }: Side, method: string, kind: 'query' | 'command', ms = deadlineMs) =>
  client.call(peer.id, { className, version, method, kind, args: [], deadlineMs: ms })

const count = (side: Side) => call(side, 'count', 'query') as Promise<number>

/** A typed error in time, nothing done, the object usable, the peer up, and `why` names class, version and method. */
async function expectRefused(side: Side, method: string, kind: 'query' | 'command', code: CallErrorCode, ms?: number) {
  const before = await count(side)
  const pid = peer.pid
  const error = await call(side, method, kind, ms).catch((thrown: unknown) => thrown)
  expect(error, method).toBeInstanceOf(CallError)
  expect(error, method).toMatchObject({ code })
  expect((error as CallError).message).toContain(method)
  return async (kind: string = code) => {
    expect(await count(side), method).toBe(before)
    expect(peer.pid).toBe(pid)
    const { className, version, role } = side
    const fault = { class: className, version, role, method, kind: expect.stringMatching(`^(${kind})$`) as string }
    // The caller's clock may end the call a moment before the peer's does.
    await expect
      .poll(async () => (await peer.control.why()).faults, { message: method })
      .toContainEqual(expect.objectContaining(fault))
  }
}

const cheap = [
  ['never', 'query', 'DeadlineExceeded', 500],
  ['neverInCommand', 'command', 'DeadlineExceeded', 500],
  ['throws', 'query', 'OutOfContract', deadlineMs],
  ['throwsInCommand', 'command', 'OutOfContract', deadlineMs],
  ['answersWrongly', 'query', 'OutOfContract', deadlineMs],
  ['answersACircle', 'command', 'OutOfContract', deadlineMs],
  ['answersTooMuch', 'command', 'OutOfContract', deadlineMs]
] as const

/** Each costs a host. On a busy machine memory fills slowly, and the loop that fills it is found out first. */
const dear = [
  ['loop', 'query', 'HostStalled'],
  ['loopInCommand', 'command', 'HostStalled'],
  ['fillHeap', 'query', 'HostStalled|OutOfMemory'],
  ['fillBuffers', 'command', 'HostStalled|OutOfMemory']
] as const

async function expectCheap(side: Side): Promise<void> {
  const { restarts } = (await peer.status()).host
  for (const [method, kind, code, ms] of cheap) await (await expectRefused(side, method, kind, code, ms))()
  expect((await peer.status()).host.restarts).toBe(restarts)
}

async function metrics(): Promise<readonly string[]> {
  const socketPath = await findControlSocket(peer.dataDirectory)
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request({ socketPath, path: '/metrics' }, resolve).on('error', reject).end()
  )
  expect(response.headers['content-type']).toContain('version=0.0.4')
  return (await text(response)).split('\n')
}

describe('bad code', () => {
  test('in the object costs who called it an error, and nobody else anything', async () => {
    await call(v1, 'add', 'command')
    await expectCheap(v1)
    for (const [method, kind, fault] of dear) await (await expectRefused(v1, method, kind, 'OutOfContract'))(fault)
    expect(await call(v1, 'add', 'command')).toBe(2)
    // What brought its host down is refused for a while, without another host.
    const { restarts } = (await peer.status()).host
    await expect(call(v1, 'loop', 'query')).rejects.toMatchObject({
      message: expect.stringMatching(/refused for/) as string
    })
    expect((await peer.status()).host.restarts).toBe(restarts)
    const counted = await metrics()
    expect(counted).toContain('instar_faults_total{class="Bad",version="1",method="loop",kind="HostStalled"} 1')
    expect(counted).toContainEqual(
      expect.stringMatching(/^instar_calls_total\{class="Bad",version="1",kind="query",outcome="OutOfContract"\} [1-9]/)
    )
    expect(counted).toContain(`instar_host_restarts_total ${restarts}`)
    const { out } = await runInstar(['why', '--data', peer.dataDirectory])
    expect(out).toMatch(/Bad v1, loop: HostStalled once .* ago: its event loop stood still for \d+ ms/)
  })

  test('that asks in a circle through another peer is told so at once', async () => {
    const asked = client.call(peer.id, {
      ...v1,
      method: 'around',
      kind: 'query',
      args: [other.id, peer.id],
      deadlineMs
    })
    await expect(asked).rejects.toMatchObject({
      code: 'TooManyHops',
      message: expect.stringContaining(
        `Bad.around at …${other.id.slice(-8)} → Bad.around at …${peer.id.slice(-8)} → Bad.around`
      ) as string
    })
    expect((await peer.control.why()).faults).toContainEqual(
      expect.objectContaining({ class: 'Bad', version: 1, method: 'around', kind: 'TooManyHops' })
    )
    expect(await count(v1)).toBe(2)
  })

  test.runIf(runsEverything)(
    'in a future simulation object ends its introduction where it costs a host, and version 1 goes on',
    async () => {
      await network.upgrade(peer, { modules: [fixtureModule('faulty/bad-upgrade')], schedule: 'manual', stable: '0s' })
      const introduced = () => peer.until('serves version 2', ({ served }) => served?.[1] === 2)
      await introduced()
      await expectCheap(future)
      for (const [method, kind] of dear) {
        await introduced()
        expect(await call(future, method, kind).catch((thrown: unknown) => thrown)).toMatchObject({
          code: 'OutOfContract'
        })
        const { versions } = await peer.until('withdraws version 2', ({ versions }) =>
          versions.some(({ version, phase }) => version === 2 && phase === 'introduceFailed')
        )
        expect(versions.find(({ version }) => version === 2)?.reason).toContain(`Worse version 2, ${method} ran`)
        expect(await count(v1)).toBe(2)
        await peer.control.resume(2)
      }
      await introduced()
    }
  )

  test.runIf(runsEverything)(
    'in a past simulation object, and in the new object, is told in the same way',
    async () => {
      for (const each of [peer, other]) await each.control.approve(2)
      await peer.until(
        'has committed version 2',
        ({ running, versions }) =>
          running.version === 2 && versions.some(({ version, phase }) => version === 2 && phase === 'committed')
      )
      await expectCheap(past)
      await expectCheap(v2)
      await (
        await expectRefused(past, 'loop', 'query', 'OutOfContract')
      )('HostStalled')
      await (
        await expectRefused(v2, 'fillBuffers', 'command', 'OutOfContract')
      )('HostStalled|OutOfMemory')
      expect(await count(past)).toBe(2)
    }
  )
})
