import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chunkBytes, encodeManifest } from '@instar/core'
import { connectionParts, createChannel, fromLibp2pStream, type CallHandler } from '@instar/rpc'
import { identify } from '@libp2p/identify'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import { createRefusals } from '../overlay/refusals.js'
import {
  createBundleExchange,
  type BundleExchange,
  type BundleExchangeInit,
  type FetchLimits,
  type FetchProgress
} from './bundle-exchange.js'
import { bundleProtocol } from './bundle-server.js'
import { createBundleStore, type BundleStore } from './bundle-store.js'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean()
})

type Streams = Parameters<typeof createBundleExchange>[0]['overlay']

interface Peer {
  readonly id: string
  readonly streams: Streams
  readonly node: Libp2p
}

/** Peers on loopback that all know each other's address. */
async function network(count: number): Promise<Peer[]> {
  const nodes: Libp2p[] = []
  while (nodes.length < count) {
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      ...connectionParts(),
      services: { identify: identify() },
      connectionMonitor: { enabled: false },
      connectionManager: { inboundConnectionThreshold: 1000 }
    })
    nodes.push(node)
  }
  cleanUp.push(async () => {
    for (const node of nodes) await node.stop()
  })
  return nodes.map(node => ({
    id: node.peerId.toString(),
    node,
    streams: {
      async handle(protocol, handler, options) {
        await node.handle(
          protocol,
          (stream, connection) => handler(stream, connection.remotePeer.toString(), connection),
          options
        )
      },
      openStream(peer, protocol, options) {
        const to = nodes.find(each => each.peerId.toString() === peer)
        if (to === undefined) throw new Error('no such peer')
        return node.dialProtocol(to.getMultiaddrs(), protocol, options ?? {})
      }
    }
  }))
}

const quick: Partial<FetchLimits> = { stallMs: 1_000, slowMs: 200, backoffMs: [10, 50] }

async function member(
  peer: Peer,
  directory?: string,
  more: Partial<BundleExchangeInit> = {}
): Promise<{ store: BundleStore; exchange: BundleExchange }> {
  const folder = directory ?? (await temporary())
  const store = createBundleStore({ directory: folder })
  await store.start()
  const exchange = createBundleExchange({ store, overlay: peer.streams, limits: quick, ...more })
  await exchange.start()
  cleanUp.push(() => exchange.stop())
  return { store, exchange }
}

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'instar-exchange-'))
  cleanUp.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A peer that answers as the test wants it to. */
async function impostor(peer: Peer, onCall: CallHandler): Promise<void> {
  await peer.streams.handle(bundleProtocol, stream => {
    createChannel({ transport: fromLibp2pStream(stream), onCall })
  })
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const large = randomBytes(20 * chunkBytes + 11)
const chunks = Array.from({ length: 21 }, (_, i) => large.subarray(i * chunkBytes, (i + 1) * chunkBytes))
const manifestBytes = encodeManifest({
  format: 1,
  files: [{ path: 'a/code.mjs', bytes: large.byteLength, sha256: digest(large), chunks: chunks.map(digest) }]
})
const bundle = digest(manifestBytes)
const files = new Map([['a/code.mjs', new Uint8Array(large)]])
const numberOf = (body: Uint8Array): number => Number(Buffer.from(body).toString().split(' ')[1])

describe('fetching a bundle', () => {
  it('takes chunks from several peers, and then gives them itself', async () => {
    const [a, b, c, d] = await network(4)
    const from = [await member(a!), await member(b!)]
    for (const { store } of from) await store.put(manifestBytes, files)
    const progress: FetchProgress[] = []
    const { exchange, store } = await member(c!)
    await exchange.fetch(bundle, {
      providers: () => [a!.id, b!.id],
      signal: AbortSignal.timeout(10_000),
      onProgress: each => progress.push(each)
    })
    expect(store.has(bundle)).toBe(true)
    expect(progress.at(-1)).toMatchObject({ bytes: large.byteLength, bytesTotal: large.byteLength })
    await a!.node.stop()
    await b!.node.stop()
    const late = await member(d!)
    await late.exchange.fetch(bundle, { providers: () => [a!.id, b!.id, c!.id], signal: AbortSignal.timeout(10_000) })
    expect(await late.store.modulePath({ bundle, entry: 'a/code.mjs' })).toContain(bundle)
  })

  it('drops a peer that lies about a chunk, and fetches the chunk elsewhere', async () => {
    const [honest, evil, me] = await network(3)
    const { store: theirs } = await member(honest!)
    await theirs.put(manifestBytes, files)
    let lies = 0
    await impostor(evil!, async (header, body) => {
      if (header.method === 'manifest') return manifestBytes
      const bytes = new Uint8Array(chunks[numberOf(body)]!)
      bytes[5]! ^= 1
      lies++
      return bytes
    })
    const { exchange, store } = await member(me!)
    const liars: string[] = []
    await exchange.fetch(bundle, {
      providers: () => [evil!.id, honest!.id],
      signal: AbortSignal.timeout(10_000),
      onLiar: (peer, detail) => liars.push(`${peer} ${detail}`)
    })
    expect(liars).toHaveLength(1)
    expect(liars[0]).toContain(evil!.id)
    expect(lies).toBeLessThanOrEqual(4)
    expect(await store.modulePath({ bundle, entry: 'a/code.mjs' })).toContain(bundle)
  })

  it('does not take a manifest of something else', async () => {
    const [honest, evil, me] = await network(3)
    await impostor(evil!, async () => encodeManifest({ format: 1, files: [] }))
    const { store: theirs } = await member(honest!)
    const { exchange } = await member(me!)
    const liars: string[] = []
    let given: Promise<string> | undefined
    await exchange.fetch(bundle, {
      providers: () => {
        if (liars.length > 0) given ??= theirs.put(manifestBytes, files)
        return [evil!.id, honest!.id]
      },
      signal: AbortSignal.timeout(10_000),
      onLiar: peer => liars.push(peer)
    })
    expect(liars).toEqual([evil!.id])
  })

  it('is not held up by a peer that stalls', async () => {
    const [honest, slow, me] = await network(3)
    const { store: theirs } = await member(honest!)
    await theirs.put(manifestBytes, files)
    await impostor(slow!, (header, _body, { signal }) =>
      header.method === 'manifest'
        ? Promise.resolve(manifestBytes)
        : new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))))
    )
    const { exchange, store } = await member(me!)
    await exchange.fetch(bundle, { providers: () => [slow!.id, honest!.id], signal: AbortSignal.timeout(10_000) })
    expect(store.has(bundle)).toBe(true)
  })

  it('goes on after a restart where it was', async () => {
    const [half, honest, me] = await network(3)
    await impostor(half!, async (header, body) => {
      if (header.method === 'manifest') return manifestBytes
      const number = numberOf(body)
      return number < 10 ? new Uint8Array(chunks[number]!) : new Uint8Array()
    })
    const directory = await temporary()
    const first = await member(me!, directory)
    const killed = new AbortController()
    await expect(
      first.exchange.fetch(bundle, {
        providers: () => [half!.id],
        signal: killed.signal,
        onProgress: ({ bytes }) => {
          if (bytes >= 8 * chunkBytes) killed.abort()
        }
      })
    ).rejects.toMatchObject({ code: 'Stopped' })
    const { store: theirs } = await member(honest!)
    await theirs.put(manifestBytes, files)
    // A new process: only the disk is left of the first one.
    const store = createBundleStore({ directory })
    await store.start()
    const exchange = createBundleExchange({ store, overlay: me!.streams, limits: quick })
    const progress: number[] = []
    await exchange.fetch(bundle, {
      providers: () => [honest!.id],
      signal: AbortSignal.timeout(10_000),
      onProgress: ({ bytes }) => progress.push(bytes)
    })
    expect(progress[0]).toBeGreaterThan(8 * chunkBytes)
    expect(store.has(bundle)).toBe(true)
  })

  it('says why it waits, and goes on when somebody has it', async () => {
    const [honest, me] = await network(2)
    const { store: theirs } = await member(honest!)
    const { exchange, store } = await member(me!)
    const reasons: string[] = []
    await exchange.fetch(bundle, {
      providers: () => (reasons.length === 0 ? [] : [honest!.id]),
      signal: AbortSignal.timeout(10_000),
      onProgress: ({ reason }) => {
        if (reason === undefined) return
        reasons.push(reason)
        if (reasons.length === 2) void theirs.put(manifestBytes, files)
      }
    })
    expect(reasons[0]).toMatch(/no peer is known/)
    expect(reasons[1]).toMatch(/none of the 1 peers/)
    expect(store.has(bundle)).toBe(true)
  })

  it('asks others when a crowd claims to have everything and gives nothing', async () => {
    const [honest, me, ...crowd] = await network(2 + 3)
    const { store: theirs } = await member(honest!)
    await theirs.put(manifestBytes, files)
    for (const each of crowd) {
      await impostor(each, async ({ method }) => (method === 'manifest' ? manifestBytes : new Uint8Array()))
    }
    // No more of them fit into one round than the crowd has, and chance prefers the crowd.
    const { exchange, store } = await member(me!, undefined, { limits: { ...quick, providersMax: 2 }, random: () => 0 })
    await exchange.fetch(bundle, {
      providers: () => [...crowd.map(each => each.id), honest!.id],
      signal: AbortSignal.timeout(20_000)
    })
    expect(store.has(bundle)).toBe(true)
  })

  it('poisoned chunks cost the liar all further bundles for a while, and the fetch nothing', async () => {
    const [honest, evil, me] = await network(3)
    const { store: theirs } = await member(honest!)
    await theirs.put(manifestBytes, files)
    const small = randomBytes(1000)
    const other = encodeManifest({
      format: 1,
      files: [{ path: 'b.mjs', bytes: small.byteLength, sha256: digest(small), chunks: [digest(small)] }]
    })
    await theirs.put(other, new Map([['b.mjs', new Uint8Array(small)]]))
    let asked = 0
    await impostor(evil!, async ({ method }) => {
      asked++
      return method === 'manifest' ? manifestBytes : randomBytes(chunkBytes)
    })
    const refusals = createRefusals({ log: pino({ level: 'silent' }) })
    const { exchange, store } = await member(me!, undefined, { refusals })
    const providers = () => [evil!.id, honest!.id]
    await exchange.fetch(bundle, { providers, signal: AbortSignal.timeout(20_000) })
    const before = asked
    expect(before).toBeGreaterThan(0)
    await exchange.fetch(digest(other), { providers, signal: AbortSignal.timeout(20_000) })
    expect(asked).toBe(before)
    expect(store.has(digest(other))).toBe(true)
    expect(refusals.all()).toEqual([{ kind: 'bundle', reason: 'Lied', count: 1 }])
  })

  it('is not held up at the giving side by slow readers', async () => {
    const [server, slow, me] = await network(3)
    const refusals = createRefusals({ log: pino({ level: 'silent' }) })
    const { store: theirs } = await member(server!, undefined, { refusals })
    await theirs.put(manifestBytes, files)
    // Asks for far more than it may, on as many streams as it gets, and reads none of it.
    const connection = await slow!.node.dial(server!.node.getMultiaddrs())
    for (let i = 0; i < 8; i++) {
      const stream = await connection.newStream(bundleProtocol)
      const channel = createChannel({ transport: fromLibp2pStream(stream) })
      cleanUp.push(async () => channel.abort('done'))
      stream.pause()
      for (let chunk = 0; chunk < 20; chunk++) {
        const header = { version: 1, className: 'bundle', method: 'chunk', seq: 0, doneBelow: 0, remainingMs: 60_000 }
        channel.request(header, Buffer.from(`${bundle} ${chunk} a/code.mjs`)).catch(() => undefined)
      }
    }
    await expect.poll(() => refusals.all().map(({ reason }) => reason)).toContain('Busy')
    const { exchange, store } = await member(me!)
    await exchange.fetch(bundle, { providers: () => [server!.id], signal: AbortSignal.timeout(20_000) })
    expect(store.has(bundle)).toBe(true)
  })
})
