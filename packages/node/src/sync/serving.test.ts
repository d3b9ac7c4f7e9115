import { expect, test, vi } from 'vitest'
import { createRefusals } from '../overlay/refusals.js'
import { pino } from 'pino'
import { Doubts } from './doubts.js'
import { Serving } from './serving.js'

function serving(limits = {}) {
  let nowMs = 0
  const refusals = createRefusals({ log: pino({ level: 'silent' }) })
  const places = new Serving({
    limits: { servedPerPeerMax: 2, servedMax: 4, servedDialledMax: 1, servedLongMs: 5000, ...limits },
    refusals,
    now: () => nowMs
  })
  return { places, refusals, at: (ms: number) => (nowMs = ms) }
}
const noCut = () => undefined

test('one peer has few places, whatever it opens', () => {
  const { places } = serving()
  const begin = () => places.begin('flooder', false, noCut)
  const first = begin()
  expect([first, begin(), begin()].map(each => each !== undefined)).toEqual([true, true, false])
  first?.end()
  expect(begin()).toBeDefined()
})

test('the slow ones give their places to whoever comes, and a dialled peer finds one in any case', () => {
  const { places, refusals, at } = serving()
  const cut = vi.fn()
  for (const peer of ['a', 'b', 'c']) places.begin(peer, false, cut)
  expect(places.begin('d', false, noCut)).toBeUndefined()
  expect(places.begin('dialled', true, noCut)).toBeDefined()
  at(5000)
  expect(places.begin('e', false, noCut)).toBeDefined()
  expect(cut).toHaveBeenCalledOnce()
  expect(refusals.all().map(({ reason }) => reason)).toEqual(['Busy', 'Slow'])
})

test('a peer begins so many exchanges and gets so many bytes, and more only with time', () => {
  const { places, at } = serving({
    servedAtOnce: 3,
    servedPerMinute: 60,
    servedBytesAtOnce: 1000,
    servedBytesPerMinute: 60
  })
  const exchange = () => {
    const served = places.begin('flooder', false, noCut)
    served?.end()
    return served
  }
  expect([exchange(), exchange(), exchange(), exchange()].map(Boolean)).toEqual([true, true, true, false])
  at(1000)
  const served = exchange()
  served?.sent(1000)
  expect(() => served?.sent(1)).toThrow('as much as it may')
})

test('a peer whose claims come to nothing is asked ever more seldom, until something true comes from it', () => {
  let nowMs = 0
  const doubts = new Doubts(() => nowMs)
  const asked: number[] = []
  for (; nowMs < 600_000; nowMs += 100) {
    if (doubts.has('liar')) continue
    asked.push(nowMs)
    doubts.add('liar')
  }
  expect(asked.slice(0, 5)).toEqual([0, 1000, 3000, 7000, 15_000])
  expect(asked.length).toBeLessThan(20)
  doubts.clear('liar')
  expect(doubts.has('liar')).toBe(false)
})
