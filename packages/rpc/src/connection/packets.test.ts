import type { MessageStream } from '@libp2p/interface'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPacketDecoder, readByPackets } from './packets.js'

function encode(packets: readonly Uint8Array[]): Buffer {
  return Buffer.concat(packets.flatMap(packet => [Buffer.of(packet.byteLength >> 8, packet.byteLength & 0xff), packet]))
}

/** Cut at these places, some of them more than once. */
function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [...places].map(place => place % (bytes.byteLength + 1)).sort((a, b) => a - b)
  return [...sorted, bytes.byteLength].map((end, i) => bytes.subarray(sorted[i - 1] ?? 0, end))
}

const hex = (packets: readonly Uint8Array[]): string[] => packets.map(packet => Buffer.from(packet).toString('hex'))

test('gives the packets that were sent, wherever the stream was cut, but empty ones', () => {
  const packets = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 })
  fc.assert(
    fc.property(packets, fc.array(fc.nat(3000), { maxLength: 12 }), fc.boolean(), (sent, places, inLists) => {
      const decode = createPacketDecoder()
      const pieces = cutAt(encode(sent), places)
      const got = inLists ? [...decode(pieces)] : pieces.flatMap(piece => [...decode(piece)])
      expect(hex(got)).toEqual(hex(sent.filter(packet => packet.byteLength > 0)))
    })
  )
})

test('a packet of the largest size is put together once, and one that lies in a piece is not copied', () => {
  const packet = new Uint8Array(65_535).fill(7)
  const bytes = encode([packet, packet])
  const [whole, cut] = [...createPacketDecoder()([bytes.subarray(0, 70_000), bytes.subarray(70_000)])]
  expect(whole?.buffer).toBe(bytes.buffer)
  expect(cut?.buffer).not.toBe(bytes.buffer)
  expect([whole?.byteLength, cut?.byteLength]).toEqual([65_535, 65_535])
})

test('goes on with what Noise holds already of a packet', () => {
  const bytes = encode([Buffer.from('abc'), Buffer.from('de')])
  const decoder = { buffer: bytes.subarray(0, 4), decode: (_: Uint8Array): Iterable<Uint8Array> => [] }
  readByPackets({ decoder } as unknown as MessageStream)
  expect(hex([...decoder.decode(bytes.subarray(4))])).toEqual(hex([Buffer.from('abc'), Buffer.from('de')]))
})

test('leaves a connection alone that it does not know', () => {
  const secured = {} as MessageStream
  expect(readByPackets(secured)).toBe(secured)
})
