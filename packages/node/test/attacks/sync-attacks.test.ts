import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { afterEach, expect, test } from 'vitest'
import type { Node } from '../../src/overlay/libp2p-node.js'
import { decodeMessage, encodeMessage, frameBytesMax, syncProtocol, type Hello } from '../../src/sync/messages.js'
import { refusalsOf, startAttacker } from '../attackers.js'
import { makeNetwork } from '../authors.js'
import { startPeer, stopPeers, until, type TestPeer } from '../peers.js'

afterEach(stopPeers)

const boast = {
  targets: { version: 99, hash: 'cd'.repeat(32) },
  timestamp: { version: 99, hash: 'ab'.repeat(32) },
  descriptors: 99
}

function helloOf(network: string, victim: TestPeer): Hello {
  const heads = { ...victim.trust.heads(), ...boast }
  return {
    type: 'hello',
    network,
    version: 99,
    chainId: 'ef'.repeat(32),
    heads,
    peers: [],
    known: [],
    announcements: [],
    ages: [],
    certificates: []
  }
}

/** Answers every exchange by what `serve` makes of its frames; answers how often it was asked for documents. */
async function serveSync(attacker: Node, hello: Hello, onPull: (frames: ReturnType<typeof lpStream>) => Promise<void>) {
  let pulls = 0
  await attacker.handle(syncProtocol, async (stream: Stream) => {
    const frames = lpStream(stream)
    for (;;) {
      const read = await frames.read().catch(() => undefined)
      if (read === undefined) return
      const message = decodeMessage(read.subarray())
      if (message.verdict !== 'accept') return
      if (message.value.type === 'hello') await frames.write(encodeMessage(hello))
      else {
        pulls++
        await onPull(frames)
      }
    }
  })
  return () => pulls
}

/** Says hello as a peer does, so that the victim hears the claim. Nothing comes of it where the victim does not answer. */
async function claim(attacker: Node, hello: Hello): Promise<void> {
  try {
    const [connection] = attacker.getConnections()
    const frames = lpStream(await connection!.newStream(syncProtocol))
    await frames.write(encodeMessage(hello))
    await frames.read()
    await frames.unwrap().close()
  } catch {
    // It has been cut.
  }
}

test('a sync peer that lies about its head is asked once, and not again at each of its claims', async () => {
  const { network, documents, next } = await makeNetwork()
  const nowMs = Date.now()
  const victim = await startPeer({ network, documents, now: () => nowMs })
  const attacker = await startAttacker(network, victim)
  const pulls = await serveSync(attacker, helloOf(network, victim), async frames =>
    frames.write(encodeMessage({ type: 'documents', documents: [] }))
  )
  const passedOver = () => refusalsOf(victim, 'sync')['EmptyClaim'] ?? 0
  for (let i = 0; i < 50 && passedOver() < 10; i++) await claim(attacker, helloOf(network, victim))
  expect(passedOver()).toBe(10)
  expect(pulls()).toBeGreaterThan(0)
  // One that was under way already may be followed by one more.
  expect(pulls()).toBeLessThanOrEqual(3)
  // It is no offence, and what an honest peer claims is looked at.
  expect(victim.overlay.sentOff()).toEqual([])
  const friend = await startPeer({ network, documents })
  for (const document of await next()) await friend.trust.submit(document, 'the operator')
  await victim.overlay.connect(friend.address)
  await until(() => victim.versions().length === 2, 'the victim learns from an honest peer')
})

test('a sync peer that sends gigabytes is cut within a few megabytes', async () => {
  const { network, documents } = await makeNetwork()
  const victim = await startPeer({ network })
  const attacker = await startAttacker(network, victim)
  let streams = 0
  let cut = 0
  let bytes = 0
  const megabyte = Buffer.alloc(1024 * 1024)
  await attacker.handle(syncProtocol, async (stream: Stream) => {
    streams++
    stream.addEventListener('close', () => cut++)
    try {
      // A length that is allowed, so that only what follows it is wrong.
      stream.send(Uint8Array.of(0x80, 0x80, 0x40))
      for (let i = 0; i < 2048 && stream.status === 'open'; i++) {
        if (!stream.send(megabyte)) await stream.onDrain({ signal: AbortSignal.timeout(5000) })
        await new Promise(resolve => setImmediate(resolve))
        bytes += megabyte.length
      }
    } catch {
      // It was cut.
    }
  })
  await claim(attacker, helloOf(network, victim))
  const friend = await startPeer({ network, documents })
  await victim.overlay.connect(friend.address)
  await until(() => streams > 0 && cut === streams, 'every flood is cut')
  await until(() => victim.versions().length === 1, 'an honest peer is asked meanwhile')
  expect(bytes).toBeLessThan(64 * 1024 * 1024)
  // What is noticed first depends on how much arrives with the first message: either way it has lied.
  expect(victim.overlay.sentOff()[0]?.reason).toMatch(/^(it sent more than was asked for|NotJson: .*)$/)
})

test('a sync peer whose message says that it is huge has lied at its first bytes', async () => {
  const { network, documents } = await makeNetwork()
  const victim = await startPeer({ network, documents })
  const attacker = await startAttacker(network, victim)
  const [connection] = attacker.getConnections()
  const stream = await connection!.newStream(syncProtocol)
  // A length of 2^31, and nothing behind it.
  stream.send(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x08))
  await until(() => refusalsOf(victim, 'sync')['Lied'] === 1, 'it has lied')
  expect(victim.overlay.sentOff().map(({ peer }) => peer)).toEqual([attacker.peerId.toString()])
})

test.each([
  ['deeply nested', `{"type":"hello","heads":${'['.repeat(50_000)}${']'.repeat(50_000)},"parts":[]}`],
  ['many-keyed', `{${Array.from({ length: 30_000 }, (_, i) => `"${i}":1`).join()},"parts":[]}`]
])('a %s hello is refused unparsed', async (_what, json) => {
  const { network, documents } = await makeNetwork()
  const victim = await startPeer({ network, documents })
  const attacker = await startAttacker(network, victim)
  const [connection] = attacker.getConnections()
  const frames = lpStream(await connection!.newStream(syncProtocol))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  const bytes = Buffer.concat([length, Buffer.from(json)])
  expect(bytes.length).toBeLessThan(frameBytesMax)
  await frames.write(bytes)
  await until(() => refusalsOf(victim, 'sync')['Lied'] === 1, 'it has lied')
})

test('a forged document of any size ends the exchange and costs its sender', async () => {
  const { network } = await makeNetwork()
  const victim = await startPeer({ network })
  const attacker = await startAttacker(network, victim)
  const forged = Buffer.from(`{"signed":{"_type":"root"},"signatures":[],"more":"${'x'.repeat(60 * 1024)}"}`)
  await serveSync(attacker, helloOf(network, victim), async frames =>
    frames.write(encodeMessage({ type: 'documents', documents: Array.from({ length: 15 }, () => forged) }))
  )
  await claim(attacker, helloOf(network, victim))
  await until(() => refusalsOf(victim, 'sync')['Lied'] === 1, 'it has lied')
  expect(victim.facts.filter(fact => fact.type === 'versionTrusted')).toEqual([])
})

test('a crowd of sync peers that never answer keeps nobody from learning', async () => {
  const { network, documents } = await makeNetwork()
  const victim = await startPeer({ network, messageTimeoutMs: 300, syncLimits: { pullsMax: 2 } })
  const crowd = await Promise.all(Array.from({ length: 4 }, () => startAttacker(network, victim)))
  for (const attacker of crowd) {
    await attacker.handle(syncProtocol, () => new Promise(() => undefined))
    await claim(attacker, helloOf(network, victim))
  }
  const friend = await startPeer({ network, documents })
  await victim.overlay.connect(friend.address)
  await until(() => victim.versions().length === 1, 'the victim learns from the one that answers')
  await until(() => (refusalsOf(victim, 'sync')['Stalled'] ?? 0) > 0, 'those that do not are noticed')
})

test('slow readers of sync take places only until somebody else wants one', async () => {
  const { network, documents } = await makeNetwork()
  const syncLimits = { servedMax: 4, servedDialledMax: 1, servedLongMs: 0 }
  const victim = await startPeer({ network, documents, syncLimits })
  const crowd = await Promise.all(Array.from({ length: 3 }, () => startAttacker(network, victim)))
  const { network: id, format } = victim.trust.heads()
  const nothing = { format, network: id, freshUntilMs: 0, descriptors: 0 }
  for (const attacker of crowd) {
    const [connection] = attacker.getConnections()
    for (let i = 0; i < 2; i++) {
      try {
        const stream = await connection!.newStream(syncProtocol)
        // Asks for everything and reads none of it.
        stream.pause()
        const frames = lpStream(stream)
        await frames.write(encodeMessage(helloOf(network, victim)))
        await frames.write(encodeMessage({ type: 'pull', heads: nothing }))
      } catch {
        // Its place went to another of them.
      }
    }
  }
  await until(() => (refusalsOf(victim, 'sync')['Slow'] ?? 0) > 0, 'slow ones lose their places')
  const friend = await startPeer({ network, bootstrap: [victim.address] })
  await until(() => friend.versions().length === 1, 'an honest one is answered')
})
