import { InstarError } from '@instar/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeTicket, parseTicket } from '../src/index.js'

const network = 'ab'.repeat(32)
const address = '/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWJv5ccSWFV8B9GgQ7Cxnrq7wZtkqRzsYzH3oAVFqYm7hC'

const flawOf = (text: string): string => {
  try {
    parseTicket(text)
    return 'none'
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(InstarError)
    expect((thrown as InstarError).code).toBe('BadTicket')
    return (thrown as InstarError).message
  }
}

describe('a ticket', () => {
  it('is one word that carries network and addresses', () => {
    const text = encodeTicket({ network, addresses: [address, '/dns4/example.org/tcp/1'] })
    expect(text).toMatch(/^instar1[1-9A-HJ-NP-Za-km-z]+$/)
    expect(parseTicket(` ${text}\n`)).toEqual({ network, addresses: [address, '/dns4/example.org/tcp/1'] })
  })

  it('round-trips any network and addresses', () => {
    const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('hex'))
    const part = fc.stringMatching(/^[a-z0-9.:-]{1,40}$/)
    const addresses = fc.array(
      fc.array(part, { minLength: 1, maxLength: 5 }).map(parts => `/${parts.join('/')}`),
      { maxLength: 16 }
    )
    fc.assert(
      fc.property(hex, addresses, (id, list) => {
        expect(parseTicket(encodeTicket({ network: id, addresses: list }))).toEqual({ network: id, addresses: list })
      })
    )
  })

  it('notices every mistyped or lost character', () => {
    const text = encodeTicket({ network, addresses: [address] })
    for (let i = 7; i < text.length; i++) {
      const other = text[i] === 'z' ? 'y' : 'z'
      expect(flawOf(text.slice(0, i) + other + text.slice(i + 1))).toMatch(/changed or cut/)
      expect(flawOf(text.slice(0, i))).toMatch(/changed or cut|missing/)
    }
  })

  it('says what is wrong', () => {
    expect(flawOf('')).toMatch(/a ticket starts with instar1/)
    expect(flawOf('12D3KooW')).toMatch(/a ticket starts with instar1/)
    expect(flawOf('instar2abc')).toMatch(/newer format/)
    expect(flawOf('instar1')).toMatch(/missing/)
    expect(flawOf('instar1abc0')).toMatch(/character that no ticket has/)
    expect(flawOf(`instar1${'z'.repeat(9000)}`)).toMatch(/far too long/)
  })

  it('never throws anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map(each => `instar1${each}`)
        ),
        text => {
          flawOf(text)
        }
      )
    )
  })

  it('refuses to carry what cannot be an address', () => {
    for (const bad of ['', 'localhost:1', '/a b', `/${'a'.repeat(300)}`]) {
      expect(() => encodeTicket({ network, addresses: [bad] })).toThrow(InstarError)
    }
    expect(() => encodeTicket({ network: 'x', addresses: [] })).toThrow(InstarError)
    expect(() => encodeTicket({ network, addresses: Array<string>(17).fill('/a') })).toThrow(InstarError)
  })
})
