import { expect, it } from 'vitest'
import { AddressBook } from './address-book.js'

const peer = '12D3KooWBCzMwr7gvMoZoGSEHbv1J4n29pyo4Mr3cncZgHFV6aqL'
const at = (port: number): string => `/ip4/127.0.0.1/tcp/${port}/p2p/${peer}`
const heard = (...ports: number[]) => [{ peer, addresses: ports.map(at), lastSeenMs: 0 }]

it('tries every address that it has heard of a peer, until the peer itself has said where it is', () => {
  const book = new AddressBook(
    'self',
    () => 0,
    () => 0
  )
  book.hear(heard(1))
  book.hear(heard(2))
  expect(book.addressesOf(peer)).toEqual([at(2), at(1)])
  book.hear(heard(...Array.from({ length: 20 }, (_, i) => 100 + i)))
  expect(book.addressesOf(peer)).toHaveLength(8)
  book.meet(peer, [at(3)])
  book.hear(heard(4))
  expect(book.addressesOf(peer)).toEqual([at(3)])
})
