import type { CallErrorCode, CallErrorDetail } from '@instar/core'
import type { Client, UntypedCall } from '@instar/client'
import { colorSet } from '@instar/examples'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { intSetModule } from './fixtures/modules.js'

let network: LocalNetwork
let client: Client
/** Has retired version 1. */
let veteran: LocalPeer
/** Joined at version 2, after version 1 was retired. */
let newcomer: LocalPeer

/** Both peers run and serve version 2 only; version 3 is on a probation that does not end; nobody knows a version 4. */
beforeAll(async () => {
  network = await createLocalNetwork({ classes: [intSetModule(1)] })
  veteran = network.addPeer('veteran')
  await veteran.start()
  await network.upgrade(veteran, { modules: [intSetModule(2)], stable: '0s', retireAfter: '0s' })
  await veteran.until('serves version 2 only', ({ served }) => served?.[0] === 2)
  newcomer = network.addPeer('newcomer')
  await newcomer.start()
  await network.upgrade(veteran, { modules: [intSetModule(3)], probation: '1h' })
  for (const peer of [veteran, newcomer]) {
    await peer.until('has version 3 on probation', ({ versions }) =>
      versions.some(({ version, phase }) => version === 3 && phase === 'probation')
    )
  }
  client = await network.client()
})
afterAll(() => network.stop())

const set = (peer: LocalPeer) => client.object(colorSet, peer.id, { version: 2, deadlineMs: 60_000 })

/** Inserts 99, in one attempt and with one thing wrong. */
function wrongly(call: Partial<UntypedCall>): UntypedCall {
  const right = { className: 'ColorSet', version: 2, method: 'insertColor', args: [99, 'blue'] }
  return { ...right, deadlineMs: 60_000, retry: false, ...call }
}

interface Case {
  readonly call: Partial<UntypedCall>
  readonly code: CallErrorCode
  readonly says: RegExp
  readonly retryAfterMs?: unknown
}

const soon = { code: 'NotYet', retryAfterMs: expect.any(Number) as unknown } as const

/** By the header alone the peer refuses these, and says what it serves. */
const refusedByPeer: readonly (readonly [string, Case])[] = [
  ['above all that are known', { call: { version: 9 }, ...soon, says: /version 9 is not known here yet/ }],
  ['known and not introduced yet', { call: { version: 3 }, ...soon, says: /version 3 of ColorSet is not introduced/ }],
  [
    'that is not served any more, or never was here',
    {
      call: { version: 1, className: 'IntSet', method: 'insert', args: [99] },
      code: 'Retired',
      says: /version 1 of IntSet is retired here: version 2 is served/
    }
  ],
  ['of a class that nobody runs', { call: { className: 'Elephant' }, code: 'UnknownClass', says: /not Elephant/ }],
  [
    'of a class of another version',
    { call: { className: 'IntSet' }, code: 'UnknownClass', says: /runs ColorSet at version 2, not IntSet/ }
  ]
]

/** These the contract refuses. */
const refusedByContract: readonly (readonly [string, Case])[] = [
  ['a method that there never was', { call: { method: 'paint' }, code: 'UnknownMethod', says: /no method paint/ }],
  ['a method of another version', { call: { method: 'insert', args: [99] }, code: 'UnknownMethod', says: /insert/ }],
  ['what every object has', { call: { method: 'constructor' }, code: 'UnknownMethod', says: /no method constructor/ }],
  ['a value that the contract excludes', { call: { args: [99, 'purple'] }, code: 'InvalidInput', says: /insertColor/ }],
  ['a value of another type', { call: { args: ['99', 'blue'] }, code: 'InvalidInput', says: /insertColor/ }],
  ['too few arguments', { call: { args: [99] }, code: 'InvalidInput', says: /insertColor/ }],
  ['too many arguments', { call: { args: [99, 'blue', 'red'] }, code: 'InvalidInput', says: /insertColor/ }]
]

describe.each([['veteran'], ['newcomer']] as const)('at a %s', name => {
  const peerOf = () => (name === 'veteran' ? veteran : newcomer)

  async function refusal(call: Partial<UntypedCall>): Promise<{ code: CallErrorCode; detail: CallErrorDetail }> {
    const peer = peerOf()
    const thrown = await client.call(peer.id, wrongly(call)).then(
      () => undefined,
      (error: unknown) => error
    )
    expect(await set(peer).contains(99), 'nothing was executed').toBe(false)
    return thrown as { code: CallErrorCode; detail: CallErrorDetail }
  }

  test.each(refusedByPeer)('a call at a version %s is refused with what is served', async (_, expected) => {
    const { code, detail } = await refusal(expected.call)
    expect({ code, detail }).toMatchObject({
      code: expected.code,
      detail: { executed: 'no', served: [2, 2], newest: 3 }
    })
    expect(detail.retryAfterMs).toEqual(expected.retryAfterMs)
    expect(detail.message).toMatch(expected.says)
  })

  test.each(refusedByContract)('a call with %s is refused', async (_, expected) => {
    const { code, detail } = await refusal(expected.call)
    expect({ code, executed: detail.executed }).toEqual({ code: expected.code, executed: 'no' })
    expect(detail.message).toMatch(expected.says)
  })

  test('goes on serving who asks rightly', async () => {
    await set(peerOf()).insertColor(7, 'red')
    expect(await set(peerOf()).getColor(7)).toBe('red')
  })
})

describe('the instar command', () => {
  const callAt = (version: number, ...words: string[]) =>
    runInstar(['call', ...words, '--at-version', String(version), '--data', veteran.dataDirectory])

  test('says which versions are served when it is refused one, and does not wait', async () => {
    const ran = await callAt(1, 'insert', '99')
    expect(ran).toMatchObject({ code: 4, out: '' })
    expect(ran.err).toBe('instar: version 1 of IntSet is retired here: version 2 is served (Retired)\n')
  })

  test('tries a version that is to come until its time is over, and then says what it waited for', async () => {
    const ran = await callAt(3, 'insertColor', '99', 'blue', '--timeout', '1s')
    expect(ran.code).not.toBe(0)
    expect(ran.err).toMatch(/version 3 of ColorSet is not introduced here yet.*\(NotYet\)\n$/)
    expect(await set(veteran).contains(99)).toBe(false)
  })
})
