import { CallError } from '@instar/core'
import { createChannel, type FrameTransport, type TransportEvents } from '@instar/rpc'
import { decodeCallHeader, encodeCallHeader } from '../../../packages/rpc/dist/call/call-header.js'
import { decodeFailure, encodeFailure } from '../../../packages/rpc/dist/call/failure.js'
import { encodeGoodbye, parseGoodbye } from '../../../packages/rpc/dist/channel/goodbye.js'
import { createFrameInspector } from '../../../packages/rpc/dist/connection/frame-guard.js'
import { createPacketDecoder } from '../../../packages/rpc/dist/connection/packets.js'
import { createFrameDecoder } from '../../../packages/rpc/dist/frame/decoder.js'
import { encodeFrame, frameKind } from '../../../packages/rpc/dist/frame/frame.js'
import { encodeHello, parseHello } from '../../../packages/rpc/dist/hello/hello.js'
import { seed, type Decoder } from '../decoder.js'
import { bytesOf } from '../keys.js'
import type { FuzzedNetwork } from '../network.js'

export function rpcDecoders({ network }: FuzzedNetwork): readonly Decoder[] {
  const headers = [
    { version: 2, className: 'Set', method: 'insert', seq: 0, doneBelow: 0, remainingMs: 5000 },
    {
      version: 3,
      chainId: '0123456789abcdef',
      className: 'Set',
      method: 'insert',
      session: bytesOf('session').toString('hex', 0, 16),
      seq: 9,
      doneBelow: 4,
      remainingMs: 5000,
      revision: 2,
      caller: '12D3KooW',
      hops: 2,
      trail: 'Set.insert'
    }
  ].map(header => encodeCallHeader(header))
  const hello = encodeHello({
    format: { min: 1, max: 1 },
    network,
    role: 'peer',
    class: 'Set',
    running: 1,
    served: [1, 2],
    versions: [[1, '0123456789abcdef']],
    heads: { format: 1 },
    addresses: ['/ip4/127.0.0.1/tcp/1'],
    instar: '0.0.0'
  })
  const failure = encodeFailure(
    new CallError('Retired', { message: 'gone', executed: 'no', served: [2, 3], newest: 3, reason: 'quiet' })
  )
  const calls = headers.map(header => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(header.length)
    return Buffer.concat([length, header, Buffer.from('arguments')])
  })
  const frames = [
    encodeFrame(frameKind.hello, 0, hello),
    ...calls.map((call, i) => encodeFrame(frameKind.call, i + 1, call)),
    encodeFrame(frameKind.cancel, 1, new Uint8Array()),
    encodeFrame(frameKind.reply, 1, Buffer.from('result')),
    encodeFrame(frameKind.failure, 2, failure),
    encodeFrame(frameKind.ping, 3, new Uint8Array()),
    encodeFrame(frameKind.pong, 3, new Uint8Array()),
    encodeFrame(frameKind.goodbye, 0, seed({ code: 'Stopped', message: 'bye' }))
  ]
  const streams = [Buffer.concat(frames), ...frames]
  return [
    { name: 'call header', covers: ['rpc:decodeCallHeader'], seeds: headers, decode: decodeCallHeader },
    { name: 'failure', covers: ['rpc:decodeFailure'], seeds: [failure], decode: bytes => decodeFailure(bytes).detail },
    {
      name: 'goodbye',
      covers: ['rpc:parseGoodbye'],
      seeds: [encodeGoodbye({ code: 'Stopped', message: 'bye' })],
      decode: parseGoodbye
    },
    { name: 'hello of a call stream', covers: ['rpc:parseHello'], seeds: [hello], decode: parseHello },
    { name: 'frames', covers: ['rpc:createFrameDecoder', 'rpc:readUint32'], seeds: streams, decode: decodeFrames },
    { name: 'frames at a channel', covers: [], seeds: streams, decode: feedChannel },
    {
      name: 'packets of Noise',
      covers: ['rpc:createPacketDecoder'],
      seeds: [Buffer.concat([packet('one'), packet(''), packet('a longer one')])],
      decode: bytes => {
        const decode = createPacketDecoder()
        return inPieces(bytes).flatMap(piece => [...decode(piece)])
      }
    },
    {
      name: 'frames of Yamux',
      covers: ['rpc:createFrameInspector'],
      seeds: [Buffer.concat([muxed(0, 1, 1, 5), Buffer.from('hello'), muxed(1, 0, 1, 4096), muxed(2, 1, 0, 7)])],
      decode: bytes => {
        const inspect = createFrameInspector(() => 0)
        return inPieces(bytes).map(piece => inspect(piece))
      },
      isRead: faults => (faults as unknown[]).every(each => each === undefined)
    }
  ]
}

/** In two pieces, cut where the bytes say: frames rarely come whole. */
function inPieces(bytes: Uint8Array): readonly Uint8Array[] {
  const at = bytes.length === 0 ? 0 : ((bytes[bytes.length >> 1] ?? 0) * bytes.length) >> 8
  return [bytes.subarray(0, at), bytes.subarray(at)]
}

function decodeFrames(bytes: Uint8Array): unknown {
  const payloads: Uint8Array[] = []
  const decoder = createFrameDecoder({ payloadBytesMax: 1024, onFrame: ({ payload }) => void payloads.push(payload) })
  const faults = inPieces(bytes).map(piece => decoder.push(piece))
  if (decoder.buffered > Math.min(bytes.length, 2048)) throw new Error(`${decoder.buffered} bytes are held`)
  return [payloads, faults]
}

/** A whole channel that serves calls, and what it answers. */
async function feedChannel(bytes: Uint8Array): Promise<unknown> {
  const sent: Uint8Array[] = []
  const events: TransportEvents[] = []
  const transport: FrameTransport = {
    listen: each => void events.push(each),
    send: pieces => (sent.push(...pieces), true),
    pause: () => {},
    resume: () => {},
    close: async () => {},
    abort: () => {}
  }
  const channel = createChannel({
    transport,
    name: 'the fuzzer',
    onCall: async (_, body) => body,
    onHello: () => undefined
  })
  // The frames of replies answer these.
  const own = { version: 1, className: 'Set', method: 'insert', seq: 0, doneBelow: 0, remainingMs: 60_000 }
  const asked = [channel.request(own, new Uint8Array()), channel.request(own, new Uint8Array())].map(each =>
    each.catch((thrown: unknown) => {
      if (!(thrown instanceof CallError)) throw thrown
    })
  )
  for (const piece of inPieces(bytes)) events[0]?.data(piece)
  await Promise.resolve()
  events[0]?.end()
  await channel.close()
  await Promise.all(asked)
  return sent.map(each => Uint8Array.from(each))
}

function packet(text: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(text.length)
  return Buffer.concat([length, Buffer.from(text)])
}

function muxed(type: number, flag: number, id: number, length: number): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt8(type, 1)
  head.writeUInt16BE(flag, 2)
  head.writeUInt32BE(id, 4)
  head.writeUInt32BE(length, 8)
  return head
}
