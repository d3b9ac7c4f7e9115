import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { makeNetwork, type TestNetwork } from '../../test/authors.js'
import { haltOf } from '../../test/orders.js'
import { stopPeers } from '../../test/peers.js'
import { simulatedClock, type SimulatedClock } from '../../test/simulated-clock.js'
import type { AuditEntry } from '../audit/audit-line.js'
import { openOnlineSigner } from './online-signer.js'
import { createRenewal, type Renewal } from './renewal.js'
import { createTrustService, type TrustService } from './trust-service.js'

const day = 86_400_000
const renewals: Renewal[] = []
afterEach(async () => {
  await Promise.all(renewals.splice(0).map(each => each.stop()))
  await stopPeers()
})

interface Signing {
  readonly trust: TrustService
  readonly renewal: Renewal
  /** What the audit log got. */
  readonly signed: AuditEntry[]
}

interface SigningInit {
  readonly network: TestNetwork
  readonly clock: SimulatedClock
  readonly index?: number
  readonly signers?: number
  readonly random?: () => number
  readonly keys?: string
  readonly lookEveryMs?: number
  /** Before it starts: the first exchange may be that fast. */
  readonly isCaughtUp?: true
}

/** A peer's trust and its renewal, in memory. */
async function startSigning(init: SigningInit): Promise<Signing> {
  const { network, clock, index = 0, signers = 1, lookEveryMs = 3_600_000 } = init
  const log = pino({ level: 'silent' })
  const signed: AuditEntry[] = []
  const audit = {
    setAtStart: 0,
    refused: () => undefined,
    append: async (...entries: readonly AuditEntry[]) =>
      void signed.push(...entries.filter(({ event }) => event === 'signed'))
  }
  let set = 0
  const trust = createTrustService({
    network: network.network,
    documents: network.documents,
    store: { readTrust: async () => undefined, writeTrust: async () => ++set },
    audit,
    now: clock.wallMs,
    log,
    onFact: () => undefined
  })
  await trust.start()
  const renewal = createRenewal({
    trust,
    signer: await openOnlineSigner({ directory: init.keys ?? network.keys, index, signers }),
    audit,
    ...clock,
    random: init.random ?? (() => 0.5),
    lookEveryMs,
    log
  })
  renewals.push(renewal)
  if (init.isCaughtUp === true) renewal.caughtUp()
  renewal.start()
  return { trust, renewal, signed }
}

/** Everything that one takes is offered to the others, as gossip does. */
function connect(...peers: readonly Signing[]): void {
  for (const { trust } of peers) {
    trust.onChange(() => {
      for (const other of peers) {
        if (other.trust === trust) continue
        for (const document of trust.documentsAhead(other.trust.heads())) void other.trust.submit(document, 'gossip')
      }
    })
  }
}

const numbers = ({ trust }: Signing) => [trust.state().snapshot?.version, trust.state().timestamp?.version]

test('renews the timestamp at half its life and a little, for a year, and the snapshot at half of its own', async () => {
  const clock = simulatedClock(Date.now())
  const peer = await startSigning({ network: await makeNetwork(), clock })
  peer.renewal.caughtUp()
  await clock.pass(3.5 * day)
  expect(numbers(peer)).toEqual([1, 1])
  await clock.pass(0.4 * day)
  expect(numbers(peer)).toEqual([1, 2])
  expect(peer.signed).toMatchObject([{ event: 'signed', why: 'halfLife', role: 'timestamp', number: 2 }])
  for (let days = 0; days < 365; days++) {
    await clock.pass(day)
    expect(peer.trust.freshUntilMs()).toBeGreaterThan(clock.wallMs() + 3 * day)
  }
  const [snapshot, timestamp] = numbers(peer)
  expect(snapshot).toBe(3)
  expect(timestamp).toBeGreaterThan(90)
  expect(timestamp).toBeLessThan(110)
}, 60_000)

test('writes the join at once when a publisher without online keys has brought a register forward', async () => {
  const clock = simulatedClock(Date.now())
  const network = await makeNetwork()
  const peer = await startSigning({ network, clock })
  peer.renewal.caughtUp()
  await clock.pass(1000)
  const documents = await network.next()
  for (const document of [documents[0]!, documents.at(-1)!]) await peer.trust.submit(document, 'the publisher')
  expect(peer.trust.newest().version).toBe(2)
  expect(peer.trust.freshUntilMs()).toBe(0)
  await clock.pass(1000)
  expect(peer.trust.freshUntilMs()).toBeGreaterThan(clock.wallMs())
  expect(peer.signed.map(each => [each['why'], each['role'], each['number']])).toEqual([
    ['join', 'snapshot', 2],
    ['join', 'timestamp', 2]
  ])
  await clock.pass(day)
  expect(peer.signed).toHaveLength(2)

  // A halt acts by itself; what it would take from freshness the join gives back.
  await peer.trust.submit(await haltOf(network, 2, { expiresMs: clock.wallMs() + 365 * day }), 'an operator')
  expect(peer.trust.freshUntilMs()).toBe(0)
  await clock.pass(1000)
  expect(peer.trust.freshUntilMs()).toBeGreaterThan(clock.wallMs())
  expect(peer.signed).toHaveLength(4)
})

test('leaves a publication alone that brings its own snapshot', async () => {
  const clock = simulatedClock(Date.now())
  const network = await makeNetwork()
  const peer = await startSigning({ network, clock })
  peer.renewal.caughtUp()
  await clock.pass(1000)
  for (const document of await network.next()) {
    await peer.trust.submit(document, 'the publisher')
    await clock.pass(50)
  }
  await clock.pass(day)
  expect(peer.signed).toEqual([])
})

test('two signers take turns at numbers of their own, and one of them is enough', async () => {
  const clock = simulatedClock(Date.now())
  const network = await makeNetwork()
  const both = [
    await startSigning({ network, clock, index: 0, signers: 2, random: () => 0.2 }),
    await startSigning({ network, clock, index: 1, signers: 2, random: () => 0.9 })
  ]
  connect(...both)
  for (const { renewal } of both) renewal.caughtUp()
  await clock.pass(12 * day)
  // The second one finds it done.
  expect(both.map(({ signed }) => signed.length)).toEqual([3, 0])
  await both[0]!.renewal.stop()
  await clock.pass(12 * day)
  expect(both[1]!.signed.length).toBeGreaterThan(2)
  for (const [index, { signed }] of both.entries())
    expect(signed.every(({ number }) => (number as number) % 2 === index)).toBe(true)
  expect(numbers(both[0]!)).toEqual(numbers(both[1]!))
}, 30_000)

test.each([
  ['with numbers of their own', 2],
  ['that were both started as the only one', 1]
])('two signers at one moment %s do no harm: both end with the same documents, and fresh', async (_, signers) => {
  const clock = simulatedClock(Date.now())
  const network = await makeNetwork()
  const both = [
    await startSigning({ network, clock, index: 0, signers }),
    await startSigning({ network, clock, index: signers - 1, signers })
  ]
  for (const { renewal } of both) renewal.caughtUp()
  const documents = await network.next()
  for (const { trust } of both)
    for (const document of [documents[0]!, documents.at(-1)!]) await trust.submit(document, 'x')
  // They hear of each other only after both have signed.
  await clock.pass(5000)
  expect(both.map(({ signed }) => signed.length)).toEqual([2, 2])
  connect(...both)
  for (const { trust } of both) {
    const other = both.find(each => each.trust !== trust)!
    for (const document of trust.documentsAhead(other.trust.heads())) await other.trust.submit(document, 'gossip')
  }
  await clock.pass(day)
  expect(both[0]!.trust.heads()).toEqual(both[1]!.trust.heads())
  for (const { trust } of both) expect(trust.freshUntilMs()).toBeGreaterThan(clock.wallMs())
  expect(both.map(({ signed }) => signed.length)).toEqual([2, 2])
})

test('signs nothing before it has caught up with its neighbours, and at last without them', async () => {
  const clock = simulatedClock(Date.now() + 30 * day)
  const network = await makeNetwork()
  const peer = await startSigning({ network, clock })
  await clock.pass(30_000)
  expect(peer.signed).toEqual([])
  expect(peer.trust.freshUntilMs()).toBeLessThan(clock.wallMs())
  await clock.pass(31_000)
  expect(peer.signed).toHaveLength(1)
  expect(peer.trust.freshUntilMs()).toBeGreaterThan(clock.wallMs())
})

test('signs at once where the first exchange was over before it started', async () => {
  const clock = simulatedClock(Date.now() + 30 * day)
  const peer = await startSigning({ network: await makeNetwork(), clock, isCaughtUp: true })
  await clock.pass(1000)
  expect(peer.signed).toHaveLength(1)
})

test('a machine that slept renews within three minutes; a clock that was set wrong for a moment signs nothing', async () => {
  const clock = simulatedClock(Date.now())
  const peer = await startSigning({ network: await makeNetwork(), clock, lookEveryMs: 60_000 })
  peer.renewal.caughtUp()
  await clock.pass(3_600_000)
  const nowMs = clock.wallMs()
  clock.setWall(nowMs + 3650 * day)
  await clock.pass(90_000)
  clock.setWall(nowMs + 120_000)
  await clock.pass(3 * 60_000)
  expect(peer.signed).toEqual([])
  clock.sleep(5 * day)
  await clock.pass(3 * 60_000 + 1000)
  expect(peer.signed).toHaveLength(1)
})

test('says when it will sign next, and why it cannot: keys that the root does not name', async () => {
  const clock = simulatedClock(Date.now())
  const network = await makeNetwork()
  const stranger = await makeNetwork()
  const peer = await startSigning({ network, clock, keys: stranger.keys })
  peer.renewal.caughtUp()
  await clock.pass(1000)
  expect(peer.renewal.status().problem).toBeUndefined()
  expect(peer.renewal.status().nextMs).toBeGreaterThan(clock.wallMs() + 3 * day)
  await clock.pass(4 * day)
  expect(peer.renewal.status().problem).toMatch(/names none of the snapshot keys/)
  expect(peer.signed).toEqual([])
  await peer.renewal.stop()
  expect(clock.waiting).toBe(0)
})
