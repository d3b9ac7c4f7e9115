import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { encodeContainer } from '../../src/overlay/container.js'
import { sealAnnouncement } from '../../src/overlay/announcement-envelope.js'
import { gossipLimits } from '../../src/overlay/limits.js'
import { announcementTopicName, headTopicName } from '../../src/overlay/topics.js'
import { syncProtocol } from '../../src/sync/messages.js'
import { follow, plain, refusalsOf, scoreOf, startAttacker } from '../attackers.js'
import { makeNetwork } from '../authors.js'
import { contentAt, startPeer, stopPeers, until } from '../peers.js'

afterEach(stopPeers)

/** Oversized, deeply nested and many-keyed: none of them is parsed. */
const monsters: readonly [string, Uint8Array][] = [
  ['oversized', Buffer.alloc(gossipLimits.rpcBytesMax / 2)],
  ['deeply nested', headed(`{"format":1,"heads":${'['.repeat(6000)}${']'.repeat(6000)},"parts":[]}`)],
  ['many-keyed', headed(`{${Array.from({ length: 1500 }, (_, i) => `"k${i}":1`).join()},"parts":[]}`)],
  ['many parts', headed(`{"format":1,"heads":{},"parts":[${'0,'.repeat(5000)}0]}`)],
  ['garbage', Buffer.from('garbage')],
  ['a header longer than itself', Buffer.from([255, 255, 255, 255, 1])]
]

function headed(json: string): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  return Buffer.concat([length, Buffer.from(json)])
}

test('a flood of invalid gossip is scored down, its sender is sent off, and what honest peers say goes on', async () => {
  const { network, documents, next } = await makeNetwork()
  const victim = await startPeer({ network, documents })
  const friend = await startPeer({ network, bootstrap: [victim.address] })
  await until(() => friend.versions().length === 1, 'the friend knows version 1')
  await until(() => friend.heads.followers().length === 1, 'the friend follows')
  const attacker = await startAttacker(network, victim)
  const topic = headTopicName(network)
  await follow(attacker, topic)
  const id = attacker.peerId.toString()
  const scores: number[] = []
  const flood = async () => {
    for (const [, bytes] of monsters) await attacker.services.pubsub.publish(topic, bytes)
    for (let i = 0; i < gossipLimits.rejectsMax; i++)
      await attacker.services.pubsub.publish(topic, encodeContainer({ format: 1, heads: i }, []))
  }
  await flood()
  await until(() => {
    scores.push(scoreOf(victim, id))
    return victim.overlay.sentOff().some(({ peer }) => peer === id)
  }, 'the flooder is sent off')
  expect(victim.overlay.sentOff()[0]?.reason).toMatch(/^its gossip was wrong again and again, last: /)
  await until(() => !victim.overlay.connected().has(id), 'it is disconnected')
  // gossipsub would have forgotten its score by now.
  await until(() => attacker.getConnections().length === 0, 'and sees that it is')
  await attacker.dial(multiaddr(victim.address)).catch(() => undefined)
  await until(() => refusalsOf(victim, 'connection')['SentOff'] === 1, 'it is turned away')
  const rejected = Object.values(refusalsOf(victim, 'gossip')).reduce((sum, count) => sum + count, 0)
  expect(rejected).toBeGreaterThan(gossipLimits.rejectsMax)
  expect(victim.facts.filter(fact => fact.type === 'versionTrusted')).toHaveLength(1)

  victim.announcements.announce(contentAt(1, { groups: ['unharmed'] }))
  for (const document of await next()) await victim.trust.submit(document, 'the operator')
  await until(() => friend.versions().length === 2, 'the friend learns version 2')
  await until(() => friend.statements.get(victim.id)?.groups[0] === 'unharmed', 'the friend hears a statement')
  expect(scoreOf(friend, victim.id)).toBeGreaterThanOrEqual(0)
})

test('oversized, deeply nested and many-keyed messages are refused unparsed, and each costs its sender score', async () => {
  const { network, documents } = await makeNetwork()
  const victim = await startPeer({ network, documents })
  const attacker = await startAttacker(network, victim)
  const topic = headTopicName(network)
  await follow(attacker, topic)
  const refused = () => Object.values(refusalsOf(victim, 'gossip')).reduce((sum, count) => sum + count, 0)
  for (const [i, [what, bytes]] of monsters.entries()) {
    await attacker.services.pubsub.publish(topic, bytes)
    await until(() => refused() === i + 1, `${what} is refused`)
  }
  await until(() => scoreOf(victim, attacker.peerId.toString()) < 0, 'it costs score')
})

test('a newer-trust head seen by a peer with older trust is asked for again, and its sender never scored down', async () => {
  const { network, documents, next, refresh } = await makeNetwork()
  const old = await startPeer({ network, documents })
  const ahead = await startPeer({ network, bootstrap: [old.address] })
  await until(() => ahead.heads.followers().length === 1 && ahead.versions().length === 1, 'they follow each other')
  // Heads of which the older peer lacks what they rest on: it ignores them, and must ask.
  for (let i = 0; i < 3; i++) {
    for (const document of await next()) await ahead.trust.submit(document, 'the operator')
    for (const document of await refresh()) await ahead.trust.submit(document, 'the operator')
  }
  await until(() => old.versions().length === 4, 'the older one has everything')
  expect(scoreOf(old, ahead.id)).toBeGreaterThanOrEqual(0)
  expect(scoreOf(ahead, old.id)).toBeGreaterThanOrEqual(0)
  expect(old.overlay.sentOff()).toEqual([])
  expect(refusalsOf(old, 'gossip')).toEqual({})
})

test('a newer-trust head of which nothing can be pulled is ignored, again and again, and never scored down', async () => {
  const { network, documents, next } = await makeNetwork()
  const old = await startPeer({ network, documents: documents.slice(0, 1) })
  const attacker = await startAttacker(network, old)
  const topic = headTopicName(network)
  await follow(attacker, topic)
  const later = await next()
  // Verifies under no targets that the older peer has: only newer trust could tell.
  const heads = plain(old.trust.heads())
  for (let i = 0; i < 2 * gossipLimits.rejectsMax; i++)
    await attacker.services.pubsub.publish(topic, encodeContainer({ format: 1, heads, i }, [later.at(-1)!]))
  const friend = await startPeer({ network, documents, bootstrap: [old.address] })
  await until(() => old.versions().length === 1, 'an honest peer brings the rest')
  expect(scoreOf(old, attacker.peerId.toString())).toBeGreaterThanOrEqual(0)
  expect(old.overlay.sentOff()).toEqual([])
  await friend.stop()
})

test('heads that wait for a peer that never answers are few, and others’ heads do not wait for them', async () => {
  const { network, documents, next } = await makeNetwork()
  const victim = await startPeer({ network, documents })
  const friend = await startPeer({ network, documents, bootstrap: [victim.address] })
  await until(() => friend.heads.followers().length === 1, 'the friend follows')
  const attacker = await startAttacker(network, victim)
  await attacker.handle(syncProtocol, () => new Promise(() => undefined))
  const topic = headTopicName(network)
  await follow(attacker, topic)
  const second = await next()
  const unnamed = (await next()).at(-1)!
  const heads = plain(victim.trust.heads())
  const flood = 3 * gossipLimits.heldPerPeerMax
  for (let i = 0; i < flood; i++)
    await attacker.services.pubsub.publish(topic, encodeContainer({ format: 1, heads, i }, [unnamed]))
  await until(() => refusalsOf(victim, 'gossip')['TooManyHeld'] === flood - gossipLimits.heldPerPeerMax, 'few wait')
  for (const document of second) await friend.trust.submit(document, 'the operator')
  await until(() => victim.versions().length === 2, 'an honest head is taken meanwhile')
  expect(victim.overlay.sentOff()).toEqual([])
})

test('statements of more strangers than anybody has time for leave room for an honest one', async () => {
  const { network, documents } = await makeNetwork()
  const victim = await startPeer({ network, documents })
  const friend = await startPeer({ network, bootstrap: [victim.address] })
  await until(() => victim.heads.followers().length === 1, 'the friend follows')
  const attacker = await startAttacker(network, victim)
  const topic = announcementTopicName(network)
  await follow(attacker, topic)
  const key = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(key).toString()
  for (let seq = 1; seq <= 200; seq++) {
    const statement = { ...contentAt(1), format: 1 as const, network, peer, epoch: 1, seq }
    await attacker.services.pubsub.publish(topic, await sealAnnouncement(statement, key))
  }
  friend.announcements.announce(contentAt(1, { groups: ['honest'] }))
  await until(() => victim.statements.get(friend.id)?.groups[0] === 'honest', 'the honest statement is heard')
  // §13: so many statements of one peer count in a minute, whoever brings them.
  await until(() => (victim.statements.get(peer)?.seq ?? 0) > 0, 'some of the others too')
  expect(victim.statements.get(peer)!.seq).toBeLessThanOrEqual(31)
})
