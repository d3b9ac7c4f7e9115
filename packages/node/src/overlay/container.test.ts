import { expect, test } from 'vitest'
import fc from 'fast-check'
import { decodeContainer, encodeContainer } from './container.js'

const parts = [Uint8Array.of(1, 2, 3), new Uint8Array(), Uint8Array.of(9)]
const bytes = encodeContainer({ type: 'hello', heads: { root: 1 } }, parts)

test('gives back the header and the parts, byte for byte', () => {
  expect(decodeContainer(bytes)).toEqual({
    verdict: 'accept',
    value: { header: { type: 'hello', heads: { root: 1 } }, parts }
  })
})

test('rejects what is cut, longer, or lies about its parts', () => {
  for (let length = 0; length < bytes.length; length++)
    expect(decodeContainer(bytes.subarray(0, length)).verdict).toBe('reject')
  expect(decodeContainer(Buffer.concat([bytes, Buffer.of(0)])).verdict).toBe('reject')
  for (const lengths of ['[-1]', '[1.5]', '["1"]', '[99]', '{}', `[${'0,'.repeat(2000)}0]`]) {
    const header = Buffer.from(`{"parts":${lengths}}`)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(header.length)
    expect(decodeContainer(Buffer.concat([length, header])).verdict, lengths).toBe('reject')
  }
})

test('never throws', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), garbage => void decodeContainer(garbage)))
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const flipped = Uint8Array.from(bytes)
      flipped[at] = byte
      decodeContainer(flipped)
    })
  )
})
