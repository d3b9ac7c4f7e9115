import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue, InvalidInput } from '../src/codec/codec.js'

// Minus zero arrives as zero, and a key `__proto__` under another name.
const plain = fc.anything({
  key: fc.string().filter(key => key !== '__proto__'),
  values: [
    fc.string(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.maxSafeInteger(),
    fc.double().map(number => (number === 0 ? 0 : number))
  ],
  withNullPrototype: false,
  maxDepth: 4
})

describe('the codec of values', () => {
  it('gives back every plain value', () => {
    fc.assert(
      fc.property(plain, value => {
        expect(decodeValue(encodeValue(value))).toEqual(value)
      })
    )
    for (const value of [
      undefined,
      [undefined, null],
      new Date(1_700_000_000_123),
      2n ** 60n,
      new Uint8Array([1, 2])
    ]) {
      const decoded = decodeValue(encodeValue(value))
      expect(value instanceof Uint8Array ? new Uint8Array(decoded as Uint8Array) : decoded).toEqual(value)
    }
  })

  it('never throws anything but InvalidInput, whatever the bytes are', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Valid values with one byte changed.
      fc.tuple(plain, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
        const encoded = Uint8Array.from(encodeValue(value))
        encoded[at % encoded.length] = byte
        return encoded
      })
    )
    fc.assert(
      fc.property(bytes, given => {
        try {
          decodeValue(given)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInput)
        }
      }),
      { numRuns: 2000 }
    )
  })

  it.each([
    ['an array that claims four thousand million items', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a map that claims sixty thousand', [0xde, 0xff, 0xff, 0xc0]],
    ['a nesting without end', new Array(100_000).fill(0x91)],
    ['a string that is cut off', [0xda, 0x10, 0x00, 0x61]],
    ['bytes after the value', [0xc0, 0xc0]],
    ['nothing', []],
    ['a record of msgpackr', [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01]],
    ['a set of msgpackr', [0xd4, 0x73, 0x00, 0x90]],
    ['a regular expression of msgpackr', [0xd4, 0x78, 0x00, 0x92, 0xa1, 0x61, 0xa0]],
    ['a reserved byte', [0xc1]]
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeValue(Uint8Array.from(bytes))).toThrow(InvalidInput)
  })

  it('does not let a key change what objects inherit', () => {
    const value = decodeValue(Uint8Array.from([0x81, 0xa9, ...Buffer.from('__proto__'), 0x81, 0xa1, 0x61, 0x01]))
    expect(({} as { a?: unknown }).a).toBeUndefined()
    expect((value as { a?: unknown }).a).toBeUndefined()
  })

  it('refuses what no value is', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    for (const value of [() => 1, Symbol('x'), circle, new Map(), new URL('x:y'), [() => 1]]) {
      expect(() => encodeValue(value)).toThrow(TypeError)
    }
  })
})
