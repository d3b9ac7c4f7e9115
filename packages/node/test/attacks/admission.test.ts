// Who counts (R21), between real peers over TCP: what strangers, revoked, expired and departed peers say changes nothing.

import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Announcement } from '@instar/core'
import { parseCertificate } from '@instar/signer'
import { afterEach, expect, test } from 'vitest'
import { runsEverything } from '../../../../test/fixtures/selection.js'
import { sealAnnouncement } from '../../src/overlay/announcement-envelope.js'
import { makeNetwork, type TestNetwork } from '../authors.js'
import { contentAt, startPeer, stopPeers, until, type TestPeer } from '../peers.js'

afterEach(stopPeers)

const day = 86_400_000

/** A network with the policy `certificate`. */
async function guarded(): Promise<TestNetwork & { readonly all: readonly Uint8Array[] }> {
  const network = await makeNetwork()
  const all = [...network.documents, await network.admission('certificate')]
  return { ...network, all }
}

const judging = (network: TestNetwork, documents: readonly Uint8Array[], more = {}) =>
  startPeer({ network: network.network, documents, judges: true, ...more })

const groundOf = (peer: TestPeer, of: string): string | undefined => {
  const admission = peer.admissions.get(of)
  return admission?.by === 'nothing' ? admission.code : admission?.by
}

async function statementOf(
  network: string,
  key: PrivateKey,
  certificate?: Uint8Array,
  more: Partial<Announcement> = {}
): Promise<Uint8Array> {
  const peer = peerIdFromPrivateKey(key).toString()
  const shown = certificate === undefined ? {} : { certificate: Buffer.from(certificate).toString('base64') }
  return sealAnnouncement({ ...contentAt(1), format: 1, network, peer, epoch: 1, seq: 1, ...shown, ...more }, key)
}

const submit = async (peer: TestPeer, envelope: Uint8Array): Promise<string> => {
  const verdict = await peer.announcements.submit(envelope, 'somebody')
  return verdict.verdict === 'accept' ? 'accept' : `${verdict.verdict} ${verdict.code}`
}

test('a stranger connects and syncs, and what it announces is shown, kept from others, and no offence', async () => {
  const network = await guarded()
  const victim = await judging(network, network.all)
  const stranger = await startPeer({ network: network.network, bootstrap: [victim.address] })
  stranger.announcements.announce(contentAt(1))
  await until(() => stranger.versions().length === 1, 'the stranger learns the network')
  await until(() => groundOf(victim, stranger.id) === 'NotAdmitted', 'the victim hears it')
  expect(victim.announcements.passedOn()).toEqual([])
  expect(await victim.directory.store.readAnnouncements()).toEqual([])
  expect(victim.overlay.connected().has(stranger.id)).toBe(true)
  expect(victim.overlay.sentOff()).toEqual([])
})

test('a certificate that is handed to any peer reaches its own, which counts from then on, also after its restart', async () => {
  const network = await guarded()
  const first = await judging(network, network.all)
  const second = await judging(network, network.all, { bootstrap: [first.address] })
  second.announcements.announce(contentAt(1))
  await until(() => groundOf(first, second.id) === 'NotAdmitted', 'it does not count yet')
  const { outcome } = await first.admission.submit(await network.admit(second.id))
  expect(outcome).toBe('handedOver')
  await until(() => groundOf(first, second.id) === 'certificate', 'it counts')
  expect(first.admission.waitingFor(second.id)).toEqual([])
  const { root } = second.directory.paths
  await second.stop()
  const again = await judging(network, [], { root })
  expect(again.admission.own()).toMatchObject({ counts: true, certificate: { peer: second.id } })
})

test('a certificate waits for a peer that is away', async () => {
  const network = await guarded()
  const first = await judging(network, network.all)
  const away = await judging(network, network.all)
  const { root } = away.directory.paths
  await away.stop()
  expect(await first.admission.submit(await network.admit(away.id))).toMatchObject({ outcome: 'waits' })
  const back = await judging(network, [], { root, bootstrap: [first.address] })
  back.announcements.announce(contentAt(1))
  await until(() => groundOf(first, back.id) === 'certificate', 'it is given its certificate and counts')
})

test('a revoked peer counts no more, at every peer that hears of it', async () => {
  const network = await guarded()
  const first = await judging(network, network.all)
  const second = await judging(network, network.all, { bootstrap: [first.address] })
  second.announcements.announce(contentAt(1))
  const certificate = await network.admit(second.id)
  await second.admission.submit(certificate)
  await until(() => groundOf(first, second.id) === 'certificate', 'it counts')
  const { serial } = parseCertificate(certificate, network.network)
  const revocation = await network.admission('certificate', [serial])
  expect(await first.trust.submit(revocation, 'operator')).toMatchObject({ verdict: 'accept' })
  await until(() => groundOf(first, second.id) === 'CertificateRevoked', 'it does not')
  await until(() => second.admission.ownAdmission().by === 'nothing', 'and knows it')
  expect(first.announcements.passedOn()).toEqual([])
})

test('the policy `open` lets everybody in, and closing it shuts out those who show nothing', async () => {
  const network = await makeNetwork()
  const first = await judging(network, network.documents)
  const second = await judging(network, network.documents, { bootstrap: [first.address] })
  second.announcements.announce(contentAt(1))
  await until(() => groundOf(first, second.id) === 'policy', 'it counts')
  await first.trust.submit(await network.admission('certificate'), 'operator')
  await until(() => groundOf(first, second.id) === 'NotAdmitted', 'it counts no more')
  await first.trust.submit(await network.admission('open'), 'operator')
  await until(() => groundOf(first, second.id) === 'policy', 'it counts again')
})

test('a certificate of newer trust, seen by a peer with older trust, is ignored and asked about again, never an offence', async () => {
  const network = await guarded()
  const knows = await judging(network, network.all)
  await knows.admission.submit(await network.admit(knows.id))
  knows.announcements.announce(contentAt(1))
  await until(() => knows.announcements.own() !== undefined, 'it speaks')
  // Knows nothing but the network's id: who admits is among what it learns after it has heard the statement.
  const behind = await judging(network, [])
  expect(await submit(behind, knows.announcements.own()!)).toBe('ignore NeedsNewerTrust')
  await behind.overlay.connect(knows.address)
  await until(() => groundOf(behind, knows.id) === 'certificate', 'it counts once trust has come')
  expect(behind.overlay.sentOff()).toEqual([])
  expect(behind.announcements.passedOn()).toHaveLength(1)
})

test('statements that show another’s, a forged, an expired or a future-dated certificate do not count', async () => {
  const network = await guarded()
  const victim = await judging(network, network.all)
  const key = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(key).toString()
  const other = await network.admit(victim.id)
  const good = await network.admit(peer)
  const forged = Buffer.from(Buffer.from(good).toString().replace('IntSet', 'IntBag'))
  const past = await network.admit(peer, { nowMs: Date.now() - 40 * day })
  const future = await network.admit(peer, { nowMs: Date.now() + day })
  const verdicts: string[] = []
  for (const [i, shown] of [other, forged, Buffer.from('garbage'), past, future, good].entries())
    verdicts.push(await submit(victim, await statementOf(network.network, key, shown, { seq: i + 1 })))
  expect(verdicts).toEqual([
    'ignore NotAdmitted',
    'ignore BadSignature',
    'ignore NotJson',
    'ignore NotAdmitted',
    'ignore NotAdmitted',
    'accept'
  ])
})

test('a replayed statement says nothing new, whoever passes it on and however old it is', async () => {
  const network = await guarded()
  const victim = await judging(network, network.all)
  const key = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(key).toString()
  const certificate = await network.admit(peer)
  const old = await statementOf(network.network, key, certificate, { seq: 1 })
  const recent = await statementOf(network.network, key, certificate, { seq: 2, floor: 2 })
  expect(await submit(victim, recent)).toBe('accept')
  const heardAtMs = victim.announcements.heardOf(peer)?.receivedAtMs
  for (const replayed of [old, recent, old]) expect(await submit(victim, replayed)).toBe('ignore Known')
  expect(victim.announcements.heardOf(peer)).toMatchObject({ receivedAtMs: heardAtMs, statement: { seq: 2 } })
})

test('a peer that is long silent does not seem to speak because others talk about it', async () => {
  const network = await makeNetwork()
  const teller = await judging(network, network.documents)
  const key = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(key).toString()
  await teller.announcements.submit(await statementOf(network.network, key), 'x', 20 * day)
  const hearer = await judging(network, network.documents, { bootstrap: [teller.address] })
  await until(() => hearer.statements.has(peer), 'it is told of the silent peer')
  expect(Date.now() - hearer.announcements.heardOf(peer)!.receivedAtMs).toBeGreaterThan(19 * day)
  // One that departed is not told of at all.
  const gone = await generateKeyPair('Ed25519')
  await teller.announcements.submit(await statementOf(network.network, gone), 'x', 31 * day)
  expect(teller.announcements.passedOn().map(each => each.statement.peer)).toEqual([peer])
})

test.runIf(runsEverything)(
  'a flood of strangers is forgotten, oldest first, and pushes out nobody who counts',
  async () => {
    const network = await guarded()
    const victim = await judging(network, network.all)
    const friend = await generateKeyPair('Ed25519')
    const id = peerIdFromPrivateKey(friend).toString()
    await submit(victim, await statementOf(network.network, friend, await network.admit(id)))
    for (let i = 0; i < 1010; i++) {
      const stranger = await generateKeyPair('Ed25519')
      await submit(victim, await statementOf(network.network, stranger))
    }
    expect(victim.announcements.heard()).toHaveLength(1001)
    expect(victim.announcements.heardOf(id)).toBeDefined()
  }
)

test('a peer is told of the certificate that ends last, and shows none that has not begun', async () => {
  const network = await guarded()
  let nowMs = Date.now()
  const peer = await judging(network, network.all, { now: () => nowMs })
  const [now, later] = [await network.admit(peer.id), await network.admit(peer.id, { nowMs: nowMs + day })]
  expect(await peer.admission.submit(later)).toMatchObject({ outcome: 'kept' })
  expect(peer.admission.own()?.counts).toBe(false)
  await peer.admission.submit(now)
  expect(peer.admission.own()?.bytes).toEqual(now)
  nowMs += 2 * day
  expect(peer.admission.own()?.bytes).toEqual(later)
  nowMs += 40 * day
  expect(peer.admission.own()).toBeUndefined()
})

test('certificates that nobody would take are refused where they are handed in', async () => {
  const network = await guarded()
  const other = await guarded()
  const peer = await judging(network, network.all)
  const bad: [Uint8Array, string][] = [
    [Buffer.from('garbage'), 'BadInput'],
    [await other.admit(peer.id), 'WrongNetwork'],
    [await network.admit(peer.id, { nowMs: Date.now() - 40 * day }), 'BadInput'],
    [
      Buffer.from(
        Buffer.from(await network.admit(peer.id))
          .toString()
          .replace('IntSet', 'IntBag')
      ),
      'BadInput'
    ]
  ]
  for (const [bytes, code] of bad) await expect(peer.admission.submit(bytes)).rejects.toMatchObject({ code })
  expect(peer.admission.own()).toBeUndefined()
})
