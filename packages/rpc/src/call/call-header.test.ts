import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCallHeader, encodeCallHeader, type CallHeader } from './call-header.js'

const hexDigits = Array.from({ length: 16 }, (_, digit) => digit.toString(16))
const hex = (digits: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...hexDigits), minLength: digits, maxLength: digits })
const name = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .filter(text => Buffer.byteLength(text) <= 255 && text.isWellFormed())

const header: fc.Arbitrary<CallHeader> = fc
  .record(
    {
      version: fc.integer({ min: 1, max: 0xffffffff }),
      chainId: hex(16).filter(id => id !== '0'.repeat(16)),
      className: name,
      method: name,
      remainingMs: fc.integer({ min: 0, max: 0xffffffff }),
      session: hex(32),
      seq: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
      chain: fc.record({
        hops: fc.integer({ min: 1, max: 255 }),
        trail: name.filter(text => Buffer.byteLength(text) <= 200)
      }),
      host: fc.record({ revision: fc.integer({ min: 0, max: 0xffffffff }), caller: name })
    },
    { requiredKeys: ['version', 'className', 'method', 'remainingMs', 'seq'] }
  )
  .map(({ host, chain, session, seq, ...rest }) => ({
    ...rest,
    ...chain,
    ...host,
    ...(session === undefined ? { seq: 0, doneBelow: 0 } : { session, seq, doneBelow: Math.ceil(seq / 2) })
  }))

describe('the header of a call', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(header, each => {
        expect(decodeCallHeader(encodeCallHeader(each))).toEqual({ verdict: 'accept', value: each })
      })
    )
  })

  it('is rejected when cut short anywhere or with bytes after it, and never throws', () => {
    fc.assert(
      fc.property(header, fc.nat(), (each, place) => {
        const bytes = encodeCallHeader(each)
        expect(decodeCallHeader(bytes.subarray(0, place % bytes.length)).verdict).toBe('reject')
        expect(decodeCallHeader(Buffer.concat([bytes, Buffer.of(0)])).verdict).toBe('reject')
      })
    )
  })

  it('gives a verdict for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => void decodeCallHeader(bytes)))
  })
})
