import fc from 'fast-check'
import { expect, test } from 'vitest'
import { median, percentile } from './statistics.js'

test('the median is the value in the middle, in whatever order they come', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([10, 1, 2, 3])).toBe(2.5)
  expect(median([7])).toBe(7)
})

test('there is no median and no percentile of nothing', () => {
  expect(() => median([])).toThrow(RangeError)
  expect(() => percentile([], 0.5)).toThrow(RangeError)
})

test('a percentile is one of the values, and that share of them does not exceed it', () => {
  expect(percentile([1, 2, 3, 4], 0.5)).toBe(2)
  expect(percentile([1, 2, 3, 4], 0.51)).toBe(3)
  expect(percentile([1, 2, 3, 4], 1)).toBe(4)
  const values = fc.array(fc.double({ noNaN: true }), { minLength: 1 }).map(all => Float64Array.from(all).sort())
  const share = fc.double({ min: 0.001, max: 1, noNaN: true })
  fc.assert(
    fc.property(values, share, (sorted, share) => {
      const value = percentile(sorted, share)
      expect(sorted).toContain(value)
      expect(sorted.filter(each => each <= value).length).toBeGreaterThanOrEqual(Math.ceil(share * sorted.length))
    })
  )
})
