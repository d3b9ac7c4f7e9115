import { expect, test } from 'vitest'
import { stateError, unwritable } from './database.js'

const said = (text: string) =>
  new Error('Database failed', { cause: new Error(`IO error: /state/000012.ldb: ${text}`) })

test.each([
  ['No space left on device', 'DiskFull', /make room, and the peer goes on by itself\.$/],
  ['Too many open files', 'ProcessNotStarted', /no room for more open files\. It is tried again\.$/],
  ['Input/output error', 'StateDamaged', /restore it from a copy/]
] as const)('a database that says "%s" is told from others: %s', (text, code, sentence) => {
  const error = stateError(said(text), '/state')
  expect(error).toMatchObject({ code, message: expect.stringMatching(sentence) as string })
})

test('one that cannot be written any more is opened again first, where it was not for lack of room', () => {
  expect(unwritable(said('Input/output error'), '/state').message).toMatch(/start the peer again, and restore/)
  expect(unwritable(said('No space left on device'), '/state').code).toBe('DiskFull')
})
