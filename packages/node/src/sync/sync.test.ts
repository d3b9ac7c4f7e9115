import { toHex, type Json } from '@instar/core'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { descriptorOf, makeNetwork } from '../../test/authors.js'
import { contentAt, startPeer, stopPeers, until, type TestPeer } from '../../test/peers.js'
import { decodeContainer, encodeContainer, type Container } from '../overlay/container.js'
import { createNode, type Node } from '../overlay/libp2p-node.js'
import { headTopicName } from '../overlay/topics.js'
import { catchUp } from '../peer/catch-up.js'
import { decodeMessage, encodeMessage, syncProtocol } from './messages.js'

afterEach(stopPeers)

async function startNetwork(count: number, documents: readonly Uint8Array[], network: string): Promise<TestPeer[]> {
  const first = await startPeer({ network, documents })
  const rest = Array.from({ length: count - 1 }, () => startPeer({ network, bootstrap: [first.address] }))
  return [first, ...(await Promise.all(rest))]
}

const allAt = (peers: readonly TestPeer[], version: number) =>
  peers.every(each => each.trust.newest().version === version)

test('brings a version that any peer publishes to everyone, by gossip', async () => {
  const { network, documents, next } = await makeNetwork()
  const peers = await startNetwork(5, documents, network)
  await until(() => allAt(peers, 1), 'everyone learns version 1 from the first peer')
  await until(() => peers.every(each => each.overlay.neighbours().size === 4), 'everyone meets everyone')
  for (const document of await next()) await peers[3]!.trust.submit(document, 'the operator')
  await until(() => allAt(peers, 2), 'everyone learns version 2')
  for (const peer of peers) expect(peer.versions()).toEqual([1, 2])
  expect(new Set(peers.map(each => each.trust.newest().chainId)).size).toBe(1)
})

test('gives a late joiner everything, in order', async () => {
  const { network, documents, next } = await makeNetwork({ notes: 'x'.repeat(4000) })
  const first = await startPeer({ network, documents })
  for (let version = 2; version <= 5; version++) {
    for (const document of await next({ notes: 'y'.repeat(4000) })) await first.trust.submit(document, 'the operator')
  }
  const late = await startPeer({ network, bootstrap: [first.address] })
  await until(() => late.versions().length === 5, 'the late joiner has all versions')
  expect(late.versions()).toEqual([1, 2, 3, 4, 5])
})

test('brings a peer that was away up to date, without any message about it', async () => {
  const { network, documents, next } = await makeNetwork()
  const [first, second] = await startNetwork(2, documents, network)
  await until(() => second!.versions().length === 1, 'both know version 1')
  await second!.stop()
  for (let i = 0; i < 2; i++) {
    for (const document of await next()) await first!.trust.submit(document, 'the operator')
  }
  const back = await startPeer({ network, root: second!.directory.paths.root })
  await until(() => back.versions().length === 3, 'it is up to date')
  expect(back.versions()).toEqual([1, 2, 3])
})

test('learns the version of which an announcement speaks, and a periodic look finds what nobody announced', async () => {
  const { network, documents, next } = await makeNetwork()
  const first = await startPeer({ network, documents })
  const second = await startPeer({ network, bootstrap: [first.address], syncEveryMs: 100 })
  await until(() => second.versions().length === 1, 'both know version 1')
  // No gossip of heads from the first peer any more.
  first.heads.stop()
  for (const document of await next()) await first.trust.submit(document, 'the operator')
  await until(() => second.versions().length === 2, 'the second one looks by itself')
  const third = await startPeer({ network, bootstrap: [first.address] })
  await until(() => third.versions().length === 2 && first.overlay.neighbours().has(third.id), 'a third one is there')
  for (const document of await next()) await first.trust.submit(document, 'the operator')
  await until(() => {
    first.announcements.announce(contentAt(2, { newest: 3 }))
    return third.versions().length === 3
  }, 'the third one asks because of an announcement')
})

test('leaves a peer that lies, and asks another one', async () => {
  const { network, documents } = await makeNetwork()
  const good = await startPeer({ network, documents })
  const liar = await startPeer({ network })
  // It claims everything and gives garbage.
  await liar.overlay.handle(
    syncProtocol,
    async (stream: Stream) => {
      const frames = lpStream(stream)
      const read = decodeMessage((await frames.read()).subarray())
      if (read.verdict !== 'accept' || read.value.type !== 'hello') return
      await frames.write(
        encodeMessage({ ...read.value, known: [], heads: good.trust.heads(), version: 1, announcements: [] })
      )
      await frames.read()
      await frames.write(encodeMessage({ type: 'documents', documents: [Buffer.from('garbage')] }))
    },
    { force: true }
  )
  const peer = await startPeer({ network, bootstrap: [liar.address] })
  await until(() => peer.overlay.connected().size === 0 && peer.versions().length === 0, 'the liar is left')
  await peer.overlay.connect(good.address)
  await until(() => peer.versions().length === 1, 'another one is asked')
  await expect(peer.overlay.connect(liar.address)).rejects.toMatchObject({ code: 'Unreachable' })
})

test('leaves a peer that stalls, and asks another one', async () => {
  const { network, documents } = await makeNetwork()
  const [good, stalled] = [await startPeer({ network, documents }), await startPeer({ network, documents })]
  await stalled.overlay.handle(syncProtocol, () => new Promise(() => undefined), { force: true })
  const peer = await startPeer({ network, bootstrap: [stalled.address], messageTimeoutMs: 200 })
  await until(() => peer.overlay.neighbours().has(stalled.id), 'it meets the one that stalls')
  await peer.overlay.connect(good.address)
  await until(() => peer.versions().length === 1, 'another one is asked')
  await until(() => !peer.overlay.connected().has(stalled.id), 'the stalled one is left')
})

test('catches up with all neighbours at once, and says what each of them holds', async () => {
  const { network, documents, next } = await makeNetwork()
  const [good, stalled] = [await startPeer({ network, documents }), await startPeer({ network, documents })]
  await stalled.overlay.handle(syncProtocol, () => new Promise(() => undefined), { force: true })
  const peer = await startPeer({ network, documents, messageTimeoutMs: 200, bootstrap: [good.address] })
  await until(() => peer.overlay.neighbours().has(good.id), 'it meets the one that knows more')
  for (const document of await next()) await good.trust.submit(document, 'the operator')
  await peer.overlay.connect(stalled.address)
  await until(() => peer.overlay.neighbours().size === 2, 'it has two neighbours')
  const asked = await catchUp(peer, new AbortController().signal)
  expect(peer.versions()).toHaveLength(2)
  const { targets } = good.trust.heads()
  expect(asked.find(each => each.peer === good.id)?.heads).toMatchObject({ targets })
  expect(asked.find(each => each.peer === stalled.id)).toMatchObject({ failure: expect.any(String) as string })
  await expect(catchUp(peer, AbortSignal.abort(new Error('nobody asks any more')))).rejects.toThrow('nobody asks')
})

test('bears no grudge against a peer that stops in the middle of an exchange', async () => {
  const { network, documents } = await makeNetwork()
  const [good, leaving] = [await startPeer({ network, documents }), await startPeer({ network, documents })]
  let asked = 0
  const leave = async (stream: Stream) => {
    asked++
    await lpStream(stream).read()
    await stream.close()
  }
  await leaving.overlay.handle(syncProtocol, leave, { force: true })
  const peer = await startPeer({ network, bootstrap: [leaving.address] })
  await until(() => asked > 0, 'it asks the one that leaves')
  await peer.overlay.connect(good.address)
  await until(() => peer.versions().length === 1, 'another one is asked')
  await expect(peer.sync.pullFrom(leaving.id)).rejects.toMatchObject({ code: 'Unreachable' })
  expect(peer.overlay.connected()).toContain(leaving.id)
})

test('holds a message for which documents are missing, pulls them from its sender, and then relays it', async () => {
  const { network, documents } = await makeNetwork()
  const [first, ...others] = await startNetwork(4, [], network)
  await until(() => others.every(each => each.overlay.neighbours().size === 3), 'everyone meets everyone')
  await until(() => others.every(each => each.heads.followers().length === 3), 'everyone follows the topic')
  // The message carries no root, and nobody else has one.
  for (const document of documents) await first!.trust.submit(document, 'the operator')
  await until(() => allAt(others, 1), 'everyone has pulled what was missing')
})

test('pulls a version that does not fit into a message', async () => {
  const { network, documents, next } = await makeNetwork()
  const peers = await startNetwork(4, documents, network)
  await until(() => allAt(peers, 1), 'everyone knows version 1')
  await until(() => peers.every(each => each.heads.followers().length === 3), 'everyone follows the topic')
  const [old] = descriptorOf(network, 2, network).classes
  const { oldClass: _, ...added } = old!
  const classes = Array.from({ length: 60 }, (_, i) => ({ ...added, newClass: `Class${i}` }))
  const second = await next({ classes: [old!, ...classes] })
  expect(second.at(-1)!.length).toBeGreaterThan(16 * 1024)
  for (const document of second) await peers[2]!.trust.submit(document, 'the operator')
  await until(() => allAt(peers, 2), 'everyone has pulled it')
})

test('spreads a newer timestamp, so that trust stays fresh everywhere', async () => {
  const { network, documents, refresh } = await makeNetwork()
  const peers = await startNetwork(3, documents, network)
  await until(() => allAt(peers, 1), 'everyone knows version 1')
  await until(() => peers.every(each => each.heads.followers().length === 2), 'everyone follows the topic')
  const before = peers[1]!.trust.freshUntilMs()
  for (const document of await refresh()) await peers[0]!.trust.submit(document, 'the operator')
  await until(() => peers.every(each => each.trust.freshUntilMs() > before), 'everyone trusts for longer')
  expect(peers[2]!.facts.at(-1)).toMatchObject({ type: 'freshUntil', untilMs: peers[0]!.trust.freshUntilMs() })
})

test('does not relay what it refuses', async () => {
  const { network, documents, next } = await makeNetwork()
  const stranger = await makeNetwork()
  const peer = await startPeer({ network, documents })
  const topic = headTopicName(network)
  const attacker = await startProgram(topic, peer)
  const [friend, witness] = [await startProgram(topic, peer), await startProgram(topic, peer)]
  const witnessed: Uint8Array[] = []
  witness.services.pubsub.addEventListener('message', ({ detail }) => void witnessed.push(detail.data))
  const heads = JSON.parse(JSON.stringify(peer.trust.heads())) as Json
  const bad = [
    Buffer.from('garbage'),
    encodeContainer({ format: 1, heads }, [Buffer.from('garbage')]),
    encodeContainer({ format: 1, heads }, await stranger.next()),
    encodeContainer({ format: 1, heads }, stranger.documents.slice(1)),
    encodeContainer({ format: 2, heads }, []),
    encodeContainer({ format: 1, heads }, [new Uint8Array(20_000)])
  ]
  for (const message of bad) await attacker.services.pubsub.publish(topic, message)
  const good = await next()
  await friend.services.pubsub.publish(topic, encodeContainer({ format: 1, heads }, [...good]))
  await until(() => peer.versions().length === 2, 'what is good is taken, whoever brings it')
  const partsOf = (message: Uint8Array) => (decodeContainer(message) as { value: Container }).value.parts.map(toHex)
  const relayed = () => witnessed.map(partsOf)
  await until(() => relayed().some(parts => parts.at(-1) === toHex(good.at(-1)!)), 'and relayed')
  // What the witness has seen is of this network: what the attacker sent would fail even to parse, or be a stranger's.
  const genuine = new Set([...documents, ...good].map(toHex))
  for (const parts of relayed()) expect(parts.filter(part => !genuine.has(part))).toEqual([])
})

const programs: Node[] = []
afterEach(() => Promise.all(programs.splice(0).map(async program => program.stop())))

/** A program that gossips and is no peer. */
async function startProgram(topic: string, peer: TestPeer): Promise<Node> {
  const program = await createNode({
    identity: await generateKeyPair('Ed25519'),
    listen: [],
    topics: [topic],
    sameHost: true,
    connectionMonitor: false,
    connectionGater: {}
  })
  programs.push(program)
  await program.start()
  program.services.pubsub.subscribe(topic)
  await program.dial(multiaddr(peer.address))
  await until(() => program.services.pubsub.getSubscribers(topic).length > 0, 'it sees that the peer follows')
  return program
}
