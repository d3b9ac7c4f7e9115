import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { BuildGauge } from '../src/host/build/build-gauge.js'
import { Cursor } from '../src/host/build/cursor.js'
import { openDatabase, writeTables } from '../src/host/open/database.js'
import type { Database } from '../src/host/state/merged-entries.js'

let directory: string
let db: Database

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-gauge-'))
  db = await openDatabase(directory)
})

afterEach(async () => {
  await db.close()
  await rm(directory, { recursive: true })
})

const keyOf = (prefix: string, i: number): string => `${prefix}${String(i).padStart(5, '0')}`

async function fill(prefix: string, entries: number): Promise<void> {
  const writes = Array.from({ length: entries }, (_, i) => ({
    type: 'put' as const,
    key: Buffer.from(keyOf(prefix, i)),
    value: randomBytes(200)
  }))
  await db.batch(writes)
}

it('tells the share of the states that has been mapped, by their sizes on disk', async () => {
  await fill('a!', 3000)
  await fill('b!', 1000)
  await fill('c!', 5000) // Nobody maps this one.
  await writeTables(db)
  const sources = ['a!', 'b!']
  const shareAt = async (cursor: Cursor): Promise<number | undefined> =>
    (await new BuildGauge(db, sources).look(cursor)).share

  const cursor = new Cursor(sources)
  expect(await shareAt(cursor)).toBeUndefined()
  cursor.mapped(keyOf('a!', 1500))
  expect(await shareAt(cursor)).toBeCloseTo(0.375, 1)
  cursor.next()
  expect(await shareAt(cursor)).toBeCloseTo(0.75, 1)
  cursor.mapped(keyOf('b!', 500))
  expect(await shareAt(cursor)).toBeCloseTo(0.875, 1)
  cursor.next()
  expect(await new BuildGauge(db, sources).look(cursor)).toEqual({ share: 1, leftMs: 0 })
})

it('tells none of a state that is in memory only', async () => {
  await fill('a!', 100)
  const cursor = new Cursor(['a!'])
  cursor.mapped(keyOf('a!', 50))
  expect(await new BuildGauge(db, ['a!']).look(cursor)).toEqual({})
})
