import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InstarError } from '../errors.js'
import { encodeTicket, parseTicket } from './ticket.js'

const network = 'ab'.repeat(32)
const addresses = ['/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN']

describe('a ticket', () => {
  it('comes back as it was', () => {
    expect(parseTicket(` ${encodeTicket({ network, addresses })}\n`)).toEqual({ network, addresses })
  })

  it('is refused with BadTicket for any text that was not made as one', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map(text => `instar1${text}`)
        ),
        text => {
          expect(() => parseTicket(text)).toThrow(expect.objectContaining({ code: 'BadTicket' }) as InstarError)
        }
      )
    )
  })

  it('is refused when one character is changed or the end is missing', () => {
    const ticket = encodeTicket({ network, addresses })
    for (let at = 7; at < ticket.length; at += 11) {
      const other = ticket[at] === 'A' ? 'B' : 'A'
      expect(() => parseTicket(ticket.slice(0, at) + other + ticket.slice(at + 1))).toThrow(InstarError)
    }
    expect(() => parseTicket(ticket.slice(0, -3))).toThrow(/copy it again/)
  })

  it('is not made for a network id that is none', () => {
    expect(() => encodeTicket({ network: 'abc', addresses })).toThrow(
      expect.objectContaining({ code: 'BadInput' }) as InstarError
    )
  })
})
