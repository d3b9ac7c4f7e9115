import { expect, it } from 'vitest'
import { createCallerSessions } from './caller-sessions.js'

it('gives commands of one object one session, and those of another another', () => {
  const sessions = createCallerSessions()
  expect(sessions.shared('a')).toBe(sessions.shared('a'))
  expect(sessions.shared('b')).not.toBe(sessions.shared('a'))
})

it('gives a long request a session of its own, and uses it again when it is done', () => {
  const sessions = createCallerSessions()
  const first = sessions.idle('a')
  const long = first.tryBegin()
  const second = sessions.idle('a')
  expect(second).not.toBe(first)
  expect(sessions.shared('a')).not.toBe(first)
  long?.end('answered')
  expect(sessions.idle('a')).toBe(first)
})
