import { expect, test } from 'vitest'
import { Judging } from './judging.js'

const limits = { judgingPerPeerMax: 2, judgingMax: 3, waitingPerPeerMax: 4, waitingBytesPerPeerMax: 100 }

/** A judge whose every case ends when told. */
function court() {
  const judging = new Judging(limits)
  const begun: string[] = []
  const ends: (() => void)[] = []
  const bring = (peer: string, what: string, bytes = 1) =>
    judging.judge(peer, bytes, () => {
      begun.push(what)
      return new Promise<string>(resolve => ends.push(() => resolve(what)))
    })
  const endFirst = async () => {
    ends.shift()?.()
    await new Promise(resolve => setImmediate(resolve))
  }
  return { bring, begun, endFirst }
}

test('a neighbour that floods waits for itself; the next one gets its turn at once', async () => {
  const { bring, begun, endFirst } = court()
  for (let i = 1; i <= 5; i++) void bring('flooder', `f${i}`)
  void bring('honest', 'h1')
  expect(begun).toEqual(['f1', 'f2', 'h1'])
  void bring('honest', 'h2')
  void bring('third', 't1')
  await endFirst()
  await endFirst()
  await endFirst()
  // In turns, though the flooder asked first.
  expect(begun.slice(3).sort()).toEqual(['f3', 'h2', 't1'])
})

test('what one neighbour has waiting is bounded in number and in bytes', () => {
  const { bring } = court()
  const taken = Array.from({ length: 10 }, (_, i) => bring('flooder', `${i}`)).filter(each => each !== undefined)
  expect(taken).toHaveLength(limits.judgingPerPeerMax + limits.waitingPerPeerMax)
  expect(bring('large', 'a', 101)).toBeUndefined()
  expect(bring('large', 'b', 100)).toBeDefined()
})

test('hands on what came of it, failures too, and goes on', async () => {
  const judging = new Judging(limits)
  await expect(judging.judge('a', 1, () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full')
  for (let i = 0; i < 10; i++) expect(await judging.judge('a', 1, () => Promise.resolve(i))).toBe(i)
})
