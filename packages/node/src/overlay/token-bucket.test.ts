import { expect, test } from 'vitest'
import { TokenBucket, TokenBuckets } from './token-bucket.js'

test('gives so many at once, and so many a second after that', () => {
  const bucket = new TokenBucket(2, 5, 0)
  const taken = (nowMs: number) => Array.from({ length: 20 }, () => bucket.take(1, nowMs)).filter(Boolean).length
  expect([taken(0), taken(1000), taken(60_000)]).toEqual([5, 2, 5])
})

test('says how long to wait for what was spent before it was there', () => {
  const bucket = new TokenBucket(100, 50, 0)
  expect(bucket.spend(50, 0)).toBe(0)
  expect(bucket.spend(25, 0)).toBe(250)
  expect(bucket.spend(0, 250)).toBe(0)
})

test('lends nothing to a clock that was set back', () => {
  const bucket = new TokenBucket(1, 1, 10_000)
  expect(bucket.take(1, 10_000)).toBe(true)
  expect(bucket.take(1, 0)).toBe(false)
})

test('keeps a bucket for each key, forgets the full ones, and no more than it may', () => {
  let nowMs = 0
  const buckets = new TokenBuckets({ perSecond: 1, atOnce: 2, now: () => nowMs, keysMax: 3 })
  expect(['a', 'a', 'a', 'b'].map(key => buckets.take(key))).toEqual([true, true, false, true])
  // `b` is full again after a second and makes room; `a` is still in debt.
  nowMs = 1000
  buckets.take('c')
  buckets.take('d')
  expect(buckets.take('a', 2)).toBe(false)
  buckets.take('e')
  buckets.take('f')
  // It was the first of three that all owed something.
  expect(buckets.take('a', 2)).toBe(true)
})
