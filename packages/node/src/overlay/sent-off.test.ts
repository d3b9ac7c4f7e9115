import { expect, test } from 'vitest'
import { sendOffLimits } from './limits.js'
import { SentOff } from './sent-off.js'

test('lets a peer back after its time, and keeps it away twice as long when it does it again', () => {
  let nowMs = 0
  const away = new SentOff(() => nowMs)
  away.add('a', 'it lied', 1000)
  expect([away.has('a'), away.has('b')]).toEqual([true, false])
  nowMs = 1000
  expect(away.has('a')).toBe(false)
  away.add('a', 'it lied again', 1000)
  nowMs = 2999
  expect(away.all()).toEqual([{ peer: 'a', reason: 'it lied again', sinceMs: 1000, untilMs: 3000 }])
  // It behaved for long enough.
  nowMs = 3001 + sendOffLimits.longestMs
  expect(away.add('a', 'it lied', 1000).untilMs).toBe(nowMs + 1000)
})

test('never shortens what a peer has to wait, and forgets the first of too many', () => {
  const away = new SentOff(() => 0)
  away.add('liar', 'it lied', sendOffLimits.liarMs)
  expect(away.add('liar', 'it stalled', 1).untilMs).toBe(sendOffLimits.liarMs)
  for (let i = 0; i < sendOffLimits.peersMax; i++) away.add(`peer ${i}`, 'flood', 1000)
  expect(away.has('liar')).toBe(false)
  expect(away.all()).toHaveLength(sendOffLimits.peersMax)
})
