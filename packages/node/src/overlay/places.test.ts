import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Handshakes, whoLeaves, type Place } from './places.js'

const limits = { openMax: 10, perPeerMax: 2, protectedMax: 3 }
let ids = 0
function place(more: Partial<Place> = {}): Place {
  const id = String(++ids)
  return { id, peer: `peer ${id}`, host: `host ${id}`, inbound: true, openedAtMs: ids, neighbour: false, ...more }
}
const leaving = (places: readonly Place[]) => whoLeaves(places, limits).map(({ place: { id }, reason }) => [id, reason])

describe('a connection flood', () => {
  test('of one host costs only its own newest connections, whoever came first', () => {
    const flood = Array.from({ length: 9 }, () => place({ host: 'attacker' }))
    const late = [place(), place(), place()]
    expect(leaving([...flood, ...late])).toEqual([
      [flood[8]!.id, 'TooManyConnections'],
      [flood[7]!.id, 'TooManyConnections']
    ])
  })

  test('of one peer id costs its own oldest connections', () => {
    const flood = Array.from({ length: 5 }, () => place({ peer: 'attacker' }))
    expect(leaving([place(), ...flood])).toEqual(flood.slice(0, 3).map(({ id }) => [id, 'TooManyOfOnePeer']))
  })

  test('takes the place of nobody whom this peer dialled, nor of its first neighbours, also behind the same address', () => {
    const host = 'one machine'
    const dialled = Array.from({ length: 3 }, () => place({ host, inbound: false }))
    const neighbours = Array.from({ length: 3 }, () => place({ host, neighbour: true }))
    const flood = Array.from({ length: 50 }, () => place({ host, neighbour: true }))
    const gone = leaving([...flood, ...dialled, ...neighbours].reverse())
    expect(gone).toHaveLength(46)
    for (const { id } of dialled) expect(gone).not.toContainEqual([id, 'TooManyConnections'])
    // Whoever is first is safe: here the neighbours were, before the flood.
    for (const { id } of neighbours) expect(gone).not.toContainEqual([id, 'TooManyConnections'])
  })

  test('never leaves more than there are places, and never takes one without need', () => {
    const each = fc.record({
      peer: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
      host: fc.constantFrom('x', 'y', 'z'),
      inbound: fc.constant(true),
      openedAtMs: fc.nat(1000),
      neighbour: fc.boolean()
    })
    fc.assert(
      fc.property(fc.array(each, { maxLength: 40 }), made => {
        const all = made.map((more, i) => ({ ...more, id: String(i) }))
        const gone = whoLeaves(all, limits)
        const left = all.filter(({ id }) => !gone.some(({ place: leaver }) => leaver.id === id))
        expect(left.length).toBeLessThanOrEqual(limits.openMax)
        for (const ofPeer of Map.groupBy(left, ({ peer }) => peer).values())
          expect(ofPeer.length).toBeLessThanOrEqual(limits.perPeerMax)
        if (gone.some(({ reason }) => reason === 'TooManyConnections')) expect(left).toHaveLength(limits.openMax)
      })
    )
  })
})

test('who never shakes hands keeps nobody of another host waiting', () => {
  const handshakes = new Handshakes(2)
  const [a, b, c] = [{}, {}, {}]
  expect([a, b, c].map(each => handshakes.begin('attacker', each))).toEqual([true, true, false])
  expect(handshakes.begin('other', {})).toBe(true)
  handshakes.end('attacker', a)
  expect(handshakes.begin('attacker', c)).toBe(true)
  expect(handshakes.size).toBe(3)
})
