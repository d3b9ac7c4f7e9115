import type { Announcement } from '@instar/core'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, expect, test } from 'vitest'
import { contentAt, startPeer, stopPeers, until } from '../../test/peers.js'
import { envelopeBytesMax, sealAnnouncement } from './announcement-envelope.js'

const network = 'ab'.repeat(32)
afterEach(stopPeers)

function statementOf(key: PrivateKey, more: Partial<Announcement> = {}): Announcement {
  const peer = peerIdFromPrivateKey(key).toString()
  return { ...contentAt(1), format: 1, network, peer, epoch: 1, seq: 1, ...more }
}

test('tells a new neighbour at once what is known of all peers', async () => {
  const first = await startPeer({ network })
  const second = await startPeer({ network, bootstrap: [first.address] })
  first.announcements.announce(contentAt(1))
  second.announcements.announce(contentAt(1))
  await until(() => first.statements.has(second.id) && second.statements.has(first.id), 'two hear each other')
  const late = await startPeer({ network, bootstrap: [first.address] })
  const synced = new Promise(resolve => late.sync.onSynced(resolve))
  await synced
  expect([...late.statements.keys()].sort()).toEqual([first.id, second.id].sort())
})

test('takes only what is newer, and keeps it across a restart', async () => {
  const peer = await startPeer({ network })
  const key = await generateKeyPair('Ed25519')
  const submit = async (epoch: number, seq: number) =>
    (await peer.announcements.submit(await sealAnnouncement(statementOf(key, { epoch, seq }), key), 'x')).verdict
  expect(await submit(1, 5)).toBe('accept')
  expect(await submit(1, 5)).toBe('ignore')
  expect(await submit(1, 4)).toBe('ignore')
  expect(await submit(2, 1)).toBe('accept')
  expect(await submit(1, 9)).toBe('ignore')
  await peer.stop()
  const again = await startPeer({ network, root: peer.directory.paths.root })
  expect(again.statements.get(statementOf(key).peer)).toMatchObject({ epoch: 2, seq: 1 })
})

test('rejects what is wrong under every trust state, and keeps none of it', async () => {
  const peer = await startPeer({ network })
  const key = await generateKeyPair('Ed25519')
  const other = await generateKeyPair('Ed25519')
  const good = await sealAnnouncement(statementOf(key), key)
  const flipped = (at: number) => Uint8Array.from(good, (byte, i) => (i === at ? byte ^ 1 : byte))
  const bad: [string, Uint8Array][] = [
    ['empty', new Uint8Array()],
    ['garbage', new Uint8Array(Buffer.from('no envelope'))],
    ['too large', new Uint8Array(envelopeBytesMax + 1)],
    ['signed by another', await sealAnnouncement(statementOf(key), other)],
    ['of another network', await sealAnnouncement(statementOf(key, { network: 'cd'.repeat(32) }), key)],
    ['with an unknown field', await sealAnnouncement({ ...statementOf(key), more: 1 } as never, key)],
    ['by a key that is slow to verify', await slowEnvelope()],
    ...Array.from({ length: good.length }, (_, at): [string, Uint8Array] => [`altered at ${at}`, flipped(at)])
  ]
  for (const [what, envelope] of bad)
    expect((await peer.announcements.submit(envelope, 'x')).verdict, what).toBe('reject')
  expect(peer.announcements.heard()).toEqual([])
  expect(await peer.directory.store.readAnnouncements()).toEqual([])
})

test('ignores a peer that speaks more often than it may', async () => {
  const peer = await startPeer({ network })
  const key = await generateKeyPair('Ed25519')
  const verdicts = []
  for (let seq = 1; seq <= 40; seq++) {
    const envelope = await sealAnnouncement(statementOf(key, { seq }), key)
    verdicts.push((await peer.announcements.submit(envelope, 'x')).verdict)
  }
  expect(verdicts.filter(each => each === 'accept').length).toBeLessThanOrEqual(31)
  expect(verdicts.at(-1)).toBe('ignore')
})

test('speaks up with a newer epoch when its own key has said something newer', async () => {
  const peer = await startPeer({ network })
  const hearer = await startPeer({ network, bootstrap: [peer.address] })
  peer.announcements.announce(contentAt(1))
  const { identity } = peer.directory
  const envelope = await sealAnnouncement(statementOf(identity, { epoch: 7, seq: 3 }), identity)
  expect((await hearer.announcements.submit(envelope, 'x')).verdict).toBe('accept')
  expect((await peer.announcements.submit(envelope, hearer.id)).verdict).toBe('ignore')
  await until(() => hearer.statements.get(peer.id)?.epoch === 8, 'the hearer takes the new epoch')
})

test('refreshes without a change', async () => {
  const rates = { refreshMs: 50 }
  const peer = await startPeer({ network, rates })
  const hearer = await startPeer({ network, bootstrap: [peer.address] })
  peer.announcements.announce(contentAt(1))
  await until(() => (hearer.statements.get(peer.id)?.seq ?? 0) >= 3, 'three statements of the same')
})

async function slowEnvelope(): Promise<Uint8Array> {
  const key = await generateKeyPair('secp256k1')
  return sealAnnouncement(statementOf(key), key)
}
