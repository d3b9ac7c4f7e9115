import { afterEach, expect, test } from 'vitest'
import type { Json, Verdict } from '@instar/core'
import { documentsOf, forksOf, haltsOf, headsOf } from '@instar/signer'
import { pino } from 'pino'
import { makeNetwork, type TestNetwork } from '../../test/authors.js'
import { haltOf, twinOf } from '../../test/orders.js'
import { startPeer, stopPeers, until, type TestPeer } from '../../test/peers.js'
import { decodeContainer, encodeContainer } from './container.js'
import { composeHeadMessage } from './head-message.js'
import { createHeadTopic } from './head-topic.js'

afterEach(stopPeers)

/** Peers that know version 1 and follow each other; from then on nobody can pull anything: what comes, comes by gossip. */
async function startGossiping(count: number, network: TestNetwork): Promise<TestPeer[]> {
  const init = {
    network: network.network,
    documents: network.documents,
    syncEveryMs: 3_600_000,
    canPull: () => pulling
  }
  let pulling = true
  const first = await startPeer(init)
  const rest = await Promise.all(
    Array.from({ length: count - 1 }, () => startPeer({ ...init, bootstrap: [first.address] }))
  )
  const peers = [first, ...rest]
  await until(() => peers.every(each => each.overlay.neighbours().size === count - 1), 'everyone meets everyone')
  await until(() => peers.every(each => each.heads.followers().length === count - 1), 'everyone follows the topic')
  pulling = false
  return peers
}

const isHalted = ({ facts }: TestPeer, version: number) =>
  facts.some(each => each.type === 'halted' && each.version === version)
const isForked = ({ facts }: TestPeer, version: number) =>
  facts.some(each => each.type === 'forked' && each.version === version)

test('a halt acts at every peer that it reaches, needs nothing else to be pulled, and no fresh metadata', async () => {
  const network = await makeNetwork()
  const peers = await startGossiping(5, network)
  const next = await network.next()
  // Targets without a snapshot that names them: nothing here is fresh.
  for (const peer of peers) for (const document of [next[0]!, next.at(-1)!]) await peer.trust.submit(document, 'x')
  await until(() => peers.every(each => each.versions().length === 2), 'everyone knows version 2')
  for (const peer of peers) expect(peer.trust.freshUntilMs()).toBe(0)
  await peers[3]!.trust.submit(await haltOf(network, 2, { expiresMs: Date.now() - 1000 }), 'the operator')
  await until(() => peers.every(each => isHalted(each, 2)), 'everyone halts')
  expect(haltsOf(peers[0]!.trust.state()).get(2)).toMatchObject({ order: 'halt', reason: 'it loses data' })
})

test('evidence of a fork reaches everyone, also a peer that joins later', async () => {
  const network = await makeNetwork()
  const peers = await startGossiping(4, network)
  for (const document of await network.next()) await peers[0]!.trust.submit(document, 'the author')
  await until(() => peers.every(each => each.versions().length === 2), 'everyone knows version 2')
  const { targets } = await twinOf(network)
  await peers[2]!.trust.submit(targets, 'the same author')
  await until(() => peers.every(each => isForked(each, 2)), 'everyone knows of the fork')
  const late = await startPeer({ network: network.network, bootstrap: [peers[1]!.address] })
  await until(() => isForked(late, 2), 'a late one learns it')
  expect(forksOf(late.trust.state())).toEqual(forksOf(peers[0]!.trust.state()))
})

test('a peer that lacks the targets by which a halt is judged holds it, pulls them from the sender, and then acts and relays', async () => {
  const network = await makeNetwork()
  const init = { network: network.network, syncEveryMs: 3_600_000 }
  const knows = await startPeer(init)
  const lacks = await startPeer({ ...init, bootstrap: [knows.address] })
  await until(() => knows.heads.followers().length + lacks.heads.followers().length === 2, 'they follow the topic')
  // No message carries a root, and no exchange happens by itself.
  const documents = [...network.documents, ...(await network.next()), await haltOf(network, 2)]
  for (const document of documents) await knows.trust.submit(document, 'the operator')
  await until(() => isHalted(lacks, 2) && lacks.versions().length === 2, 'it has pulled what it lacked')
})

test('a message carries halts and evidence before everything else, and its heads stay below 1 KiB', async () => {
  const network = await makeNetwork({ notes: 'x'.repeat(4000) })
  for (let i = 0; i < 4; i++) await network.next({ notes: 'y'.repeat(4000) })
  const big = await network.next({ notes: 'z'.repeat(4000), title: 'w'.repeat(100) })
  expect(big.length).toBeGreaterThan(0)
  const halt = await haltOf(network, 3)
  const { targets: twin } = await twinOf(network)
  const message = composeHeadMessage(network.state())
  const container = decodeContainer(message)
  if (container.verdict !== 'accept') throw new Error('not a container')
  const parts = container.value.parts.map(each => Buffer.from(each).toString())
  expect(parts).toContain(Buffer.from(halt).toString())
  const evidence = documentsOf(network.state()).filter(({ info }) => info.as === 'evidence')
  expect(evidence).toHaveLength(1)
  expect(parts).toContain(Buffer.from(evidence[0]!.bytes).toString())
  expect(twin.length).toBeLessThan(4096)
  expect(Buffer.from(message).readUInt32BE(0)).toBeLessThan(1024 + 100)
  expect(message.length).toBeLessThanOrEqual(16 * 1024)
})

test('one neighbour cannot take the room of all others for messages that wait for documents', async () => {
  const network = await makeNetwork()
  const [root, ...rest] = network.documents
  const { trust } = await startPeer({ network: network.network })
  let validate: ((data: Uint8Array, from: string) => Promise<Verdict<unknown>>) | undefined
  const pulled = Promise.withResolvers<undefined>()
  const heads = createHeadTopic({
    overlay: {
      topic(init) {
        validate = (data, from) => init.validate(data, from)
        return { publish: async () => 0, subscribers: () => [] }
      },
      neighbours: () => new Set<string>()
    },
    network: network.network,
    trust,
    pullFrom: () => pulled.promise,
    log: pino({ level: 'silent' })
  })
  const message = encodeContainer(
    { format: 1, heads: JSON.parse(JSON.stringify(headsOf(network.state()))) as Json },
    rest
  )
  const ofOne = Array.from({ length: 6 }, () => validate!(message, 'one'))
  const ofAnother = validate!(message, 'another')
  const refused = await Promise.race(ofOne)
  expect(refused).toMatchObject({ verdict: 'ignore', code: 'TooManyHeld' })
  await trust.submit(root!, 'a neighbour')
  pulled.resolve(undefined)
  const verdicts = await Promise.all(ofOne)
  expect(verdicts.filter(each => each.verdict === 'ignore' && each.code === 'TooManyHeld')).toHaveLength(2)
  expect(verdicts.some(each => each.verdict === 'accept')).toBe(true)
  expect(await ofAnother).not.toMatchObject({ code: 'TooManyHeld' })
  heads.stop()
})
