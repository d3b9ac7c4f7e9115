import type { Stream, StreamMuxer } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import { expect, test } from 'vitest'
import { connectionParts } from './connection-parts.js'
import { boundFirstBytes } from './first-bytes.js'
import { connectionLimits } from './limits.js'

/** A muxer with one stream, and what came of the bytes that it brought. */
function opened(protocol: string) {
  const taken: number[] = []
  const stream = {
    protocol,
    aborted: false,
    onData: ({ byteLength }: Uint8Array) => void taken.push(byteLength),
    abort: () => (stream.aborted = true)
  }
  const streams: unknown[] = []
  const muxer = { onRemoteStream: (each: unknown) => void streams.push(each) }
  const bounded = boundFirstBytes(muxer as never as StreamMuxer) as never as typeof muxer
  bounded.onRemoteStream(stream)
  expect(streams).toEqual([stream])
  return { stream, taken }
}

const some = new Uint8Array(connectionLimits.firstBytesMax / 2)

test.each(['', '/ipfs/id/1.0.0'])('a stream of the protocol "%s" is reset beyond its first bytes', protocol => {
  const { stream, taken } = opened(protocol)
  for (let i = 0; i < 2; i++) stream.onData(some)
  expect(stream.aborted).toBe(false)
  stream.onData(some)
  expect(stream.aborted).toBe(true)
  expect(taken).toHaveLength(2)
})

test('a stream that has named a protocol of ours is bounded by that alone', () => {
  const { stream, taken } = opened('')
  stream.onData(some)
  stream.protocol = '/instar/rpc/1'
  for (let i = 0; i < 100; i++) stream.onData(some)
  expect([stream.aborted, taken.length]).toEqual([false, 101])
})

test('the streams of a connection are bounded so', async () => {
  const nodes = await Promise.all(
    [['/ip4/127.0.0.1/tcp/0'], []].map(listen =>
      createLibp2p({ addresses: { listen }, ...connectionParts(), connectionMonitor: { enabled: false } })
    )
  )
  try {
    const accepted = Promise.withResolvers<Stream>()
    await nodes[0]!.handle('/test/1', stream => accepted.resolve(stream))
    await nodes[1]!.dialProtocol(nodes[0]!.getMultiaddrs(), '/test/1')
    // What it stands on is no interface of libp2p: an update may take it away, and then this fails.
    expect(Object.hasOwn(await accepted.promise, 'onData')).toBe(true)
  } finally {
    await Promise.all(nodes.map(async node => node.stop()))
  }
})
