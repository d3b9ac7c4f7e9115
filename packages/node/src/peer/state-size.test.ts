import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createStateSize } from './state-size.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-size-'))
})
afterEach(() => rm(directory, { recursive: true }))

const log = { warn: () => undefined }

it('counts the database and the files of the object, and measures again when it is old', async () => {
  let now = 0
  const size = createStateSize({ directory, log, now: () => now, everyMs: 1000 })
  await mkdir(join(directory, 'files/1.a.object.1'), { recursive: true })
  await writeFile(join(directory, '000001.log'), 'x'.repeat(100))
  await writeFile(join(directory, 'files/1.a.object.1/note'), 'x'.repeat(23))
  expect(size.bytes()).toBeUndefined()
  await size.measured()
  expect(size.bytes()).toBe(123)
  await writeFile(join(directory, '000002.log'), 'x')
  now = 999
  expect(size.bytes()).toBe(123)
  await size.measured()
  expect(size.bytes()).toBe(123)
  now = 1000
  size.bytes()
  await size.measured()
  expect(size.bytes()).toBe(124)
})

it('is zero where there is no state yet, and not told of more files than it may look at', async () => {
  const nothing = createStateSize({ directory: join(directory, 'none'), log, now: () => 0 })
  nothing.bytes()
  await nothing.measured()
  expect(nothing.bytes()).toBe(0)
  for (const name of ['a', 'b', 'c']) await writeFile(join(directory, name), '')
  const many = createStateSize({ directory, log, now: () => 0, filesMax: 2 })
  many.bytes()
  await many.measured()
  expect(many.bytes()).toBeUndefined()
})
