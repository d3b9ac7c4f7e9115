import { randomBytes } from 'node:crypto'
import { Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, test, vi } from 'vitest'
import { connectionParts } from './connection-parts.js'

const plainParts = () => ({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
const protocol = '/test/1'

const running: Array<() => void | Promise<void>> = []
afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})

async function createNode(
  parts: ReturnType<typeof plainParts | typeof connectionParts>,
  listen: readonly string[] = []
) {
  const node = await createLibp2p({
    addresses: { listen: [...listen] },
    ...parts,
    connectionMonitor: { enabled: false }
  })
  running.push(() => node.stop())
  return node
}

/** Resolves when so many bytes have come. */
function receive(stream: Stream, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = []
    let bytes = 0
    stream.addEventListener('message', ({ data }) => {
      pieces.push(data.subarray())
      bytes += data.byteLength
      if (bytes >= count) resolve(Buffer.concat(pieces))
    })
    stream.addEventListener('close', ({ error }) => reject(error ?? new Error('closed')))
  })
}

const kinds = { plain: plainParts, instar: connectionParts }

test.each([
  ['instar', 'instar'],
  ['instar', 'plain'],
  ['plain', 'instar']
] as const)(
  '%s calls %s: what is sent arrives, large and small, also where the other end says nothing',
  async (from, to) => {
    const server = await createNode(kinds[to](), ['/ip4/127.0.0.1/tcp/0'])
    const accepted = Promise.withResolvers<Stream>()
    await server.handle(protocol, stream => accepted.resolve(stream))
    const client = await createNode(kinds[from]())
    const connection = await client.dial(server.getMultiaddrs())
    const here = await connection.newStream(protocol)
    const there = await accepted.promise
    for (const bytes of [1, 100, 4000, 20_000, 70_000, 3_000_000]) {
      const message = randomBytes(bytes)
      const there1 = receive(there, bytes)
      here.send(message)
      expect(Buffer.compare(await there1, message)).toBe(0)
      const here1 = receive(here, bytes)
      there.send(message)
      expect(Buffer.compare(await here1, message)).toBe(0)
    }
  }
)

test('what one end sends without an answer is more than its window, many times over', async () => {
  const server = await createNode(connectionParts(), ['/ip4/127.0.0.1/tcp/0'])
  const accepted = Promise.withResolvers<Stream>()
  await server.handle(protocol, stream => accepted.resolve(stream))
  const client = await createNode(plainParts())
  const here = await (await client.dial(server.getMultiaddrs())).newStream(protocol)
  const message = randomBytes(200)
  const count = 10_000
  const arrived = receive(await accepted.promise, count * message.byteLength)
  for (let i = 0; i < count; i++) here.send(message)
  expect((await arrived).byteLength).toBe(count * message.byteLength)
})

test('TCP of this version is one whose socket is found, so that large messages leave it in one piece', async () => {
  const corked = vi.spyOn(Socket.prototype, 'cork')
  running.push(() => corked.mockRestore())
  const server = await createNode(plainParts(), ['/ip4/127.0.0.1/tcp/0'])
  const accepted = Promise.withResolvers<Stream>()
  await server.handle(protocol, stream => accepted.resolve(stream))
  const client = await createNode(connectionParts())
  const here = await (await client.dial(server.getMultiaddrs())).newStream(protocol)
  const arrived = receive(await accepted.promise, 60_000)
  const before = corked.mock.calls.length
  here.send(randomBytes(60_000))
  await arrived
  expect(corked.mock.calls.length).toBeGreaterThan(before)
})

test('Noise of this version is one whose packets can be read as ours are', async () => {
  const secured: unknown[] = []
  const parts = connectionParts()
  const spied = parts.connectionEncrypters.map(create => (components: Parameters<typeof create>[0]) => {
    const encrypter = create(components)
    const secureOutbound = encrypter.secureOutbound.bind(encrypter)
    encrypter.secureOutbound = async (connection, options) => {
      const result = await secureOutbound(connection, options)
      secured.push(result.connection)
      return result
    }
    return encrypter
  })
  const server = await createNode(plainParts(), ['/ip4/127.0.0.1/tcp/0'])
  const client = await createNode({ ...parts, connectionEncrypters: spied })
  await client.dial(server.getMultiaddrs())
  const [{ decoder }] = secured as [{ decoder: object }]
  expect(Object.hasOwn(decoder, 'decode')).toBe(true)
})
