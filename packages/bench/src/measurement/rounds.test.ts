import { expect, test } from 'vitest'
import { measureInTurns } from './rounds.js'

test('measures in turns, there and back', async () => {
  const order: string[] = []
  const results = await measureInTurns({
    subjects: ['a', 'b', 'c'],
    rounds: 3,
    async measure(subject, round) {
      order.push(subject)
      return `${subject}${round}`
    }
  })
  expect(order.join('')).toBe('abccbaabc')
  expect([...results]).toEqual([
    ['a', ['a0', 'a1', 'a2']],
    ['b', ['b0', 'b1', 'b2']],
    ['c', ['c0', 'c1', 'c2']]
  ])
})

test('ends with the first failure', async () => {
  const measure = (): Promise<never> => Promise.reject(new Error('broken'))
  await expect(measureInTurns({ subjects: ['a'], rounds: 2, measure })).rejects.toThrow('broken')
})
