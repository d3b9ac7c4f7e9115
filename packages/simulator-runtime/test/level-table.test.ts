import { cp, mkdtemp, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InstarError } from '@instar/core'
import fc from 'fast-check'
import { Level } from 'level'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { damagedState, openDatabase, writeTables } from '../src/host/open/database.js'
import { unsnap } from '../src/host/open/level-table/snappy.js'
import { judgeTable } from '../src/host/open/level-table/judge-table.js'
import { WholeTables } from '../src/host/open/level-table/whole-tables.js'
import { propertyRuns } from '../../../test/property-budget.js'

let folder: string
/** A state with entries in several tables and in its log, of which nobody makes anything but copies. */
let written: string
let files: readonly string[]
let answers: string

const lookAt = (directory: string, tables = new WholeTables()) => tables.look({ directory, damaged: damagedState })
const tablesIn = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory)).filter(name => name.endsWith('.ldb')).map(name => join(directory, name))

/** Everything that a host could read. */
async function answersOf(directory: string): Promise<string> {
  const db = await openDatabase(directory, { tables: new WholeTables() })
  try {
    const entries = await db.iterator().all()
    return entries.map(([key, value]) => `${key.toString('hex')} ${value.toString('base64')}`).join('\n')
  } finally {
    await db.close()
  }
}

async function flip(path: string, at: number, bit: number): Promise<void> {
  const bytes = await readFile(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
  await writeFile(path, bytes)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-level-table-'))
  const alive = join(folder, 'alive')
  const db = new Level<Buffer, Buffer>(alive, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await db.open()
  for (let part = 0; part < 4; part++) {
    for (let i = 0; i < 150; i++) {
      const key = Buffer.from(`space ${i % 3} key ${String((i * 7 + part) % 200)}`)
      // Some that compress, some that do not, some that take more than one block.
      const value = Buffer.alloc(i % 50 === 0 ? 9_000 : 80 + i, i % 2 === 0 ? `${part} of ${i} ` : undefined)
      if (i % 2 === 1) for (let at = 0; at < value.length; at++) value[at] = (at * 31 + i * 17 + part * at * at) & 255
      await (i % 11 === 0 ? db.del(key) : db.put(key, value))
    }
    if (part < 3) await writeTables(db)
  }
  written = join(folder, 'written')
  await cp(alive, written, { recursive: true })
  await db.close()
  await rm(join(written, 'LOCK'), { force: true })
  files = (await readdir(written)).sort()
  const copy = join(folder, 'first')
  await cp(written, copy, { recursive: true })
  answers = await answersOf(copy)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a state', () => {
  it('with a bit that has changed, in whatever file, is not opened, or gives the same answers', async () => {
    expect(files.map(name => name.replace(/\d+/, ''))).toEqual(
      expect.arrayContaining(['.ldb', '.log', 'CURRENT', 'MANIFEST-'])
    )
    const sizes = new Map<string, number>()
    for (const name of files) sizes.set(name, (await stat(join(written, name))).size)
    const copy = join(folder, 'copy')
    const freshCopy = async (): Promise<void> => {
      await rm(copy, { recursive: true, force: true })
      await cp(written, copy, { recursive: true })
    }
    await freshCopy()
    const tried = { noticed: 0, harmless: new Set<string>() }
    const place = fc
      .constantFrom(...files.filter(name => sizes.get(name) !== 0))
      .chain(name => fc.record({ name: fc.constant(name), at: fc.nat((sizes.get(name) ?? 1) - 1), bit: fc.nat(7) }))
    await fc.assert(
      fc.asyncProperty(place, async ({ name, at, bit }) => {
        await flip(join(copy, name), at, bit)
        try {
          expect(await answersOf(copy)).toBe(answers)
          tried.harmless.add(name.replace(/\d+/, ''))
          await freshCopy()
        } catch (error) {
          if (!(error instanceof InstarError)) throw error
          expect(error.code).toBe('StateDamaged')
          expect(error.message).toContain(join(copy, name))
          tried.noticed++
          // What is refused is left as it is.
          await flip(join(copy, name), at, bit)
        }
      }),
      { numRuns: propertyRuns(60) }
    )
    expect(tried.noticed).toBeGreaterThan(30)
    // LevelDB's own notes, which nobody reads, and its padding.
    expect([...tried.harmless].filter(name => !['LOG', 'LOG.old', '.log', 'MANIFEST-'].includes(name))).toEqual([])
  })

  it('whose table has lost its end, or is gone, is not opened', async () => {
    for (const spoil of [
      async (path: string) => await open(path, 'r+').then(file => file.truncate(100).then(() => file.close())),
      (path: string) => rm(path)
    ]) {
      const copy = join(folder, 'spoilt')
      await rm(copy, { recursive: true, force: true })
      await cp(written, copy, { recursive: true })
      const [path = ''] = await tablesIn(copy)
      await spoil(path)
      await expect(openDatabase(copy, { tables: new WholeTables() })).rejects.toMatchObject({
        code: 'StateDamaged',
        detail: { path }
      })
    }
  })

  it('is read once, and of what is new afterwards that only', async () => {
    const copy = join(folder, 'once')
    await cp(written, copy, { recursive: true })
    const tables = new WholeTables()
    const first = await lookAt(copy, tables)
    expect(first.tables).toBe((await tablesIn(copy)).length)
    expect(await lookAt(copy, tables)).toEqual({ tables: 0, bytes: 0 })

    const db = await openDatabase(copy)
    await db.put(Buffer.from('new'), Buffer.alloc(100, 1))
    await writeTables(db)
    // While another process has it open and goes on.
    const more = await lookAt(copy, tables)
    expect(more.tables).toBeGreaterThan(0)
    expect(more.bytes).toBeLessThan(first.bytes * 2)
    await db.close()

    // One that was touched is another one.
    const [path = ''] = await tablesIn(copy)
    await utimes(path, 1, 1)
    expect(await lookAt(copy, tables)).toMatchObject({ tables: 1 })
  })

  it('that does not exist has no tables', async () => {
    expect(await lookAt(join(folder, 'nowhere'))).toEqual({ tables: 0, bytes: 0 })
  })
})

describe('a table', () => {
  it('has a flaw wherever a bit of it has changed', async () => {
    for (const path of await tablesIn(written)) {
      const bytes = await readFile(path)
      expect(judgeTable(bytes)).toBeUndefined()
      const step = Math.max(1, Math.floor(bytes.length / propertyRuns(700)))
      // All of the footer, where there are no checksums.
      const places = new Set(Array.from({ length: 48 }, (_, i) => bytes.length - 1 - i))
      for (let at = 0; at < bytes.length; at += step) places.add(at)
      for (const at of places) {
        bytes[at]! ^= 1 << (at % 8)
        expect(judgeTable(bytes), `byte ${at} of ${path}`).toBeDefined()
        bytes[at]! ^= 1 << (at % 8)
      }
      for (const length of [0, 47, 48, 1000]) expect(judgeTable(bytes.subarray(0, length))).toBeDefined()
    }
  })
})

describe('Snappy', () => {
  it.each([
    ['bytes', [3, 2 << 2, 97, 98, 99], 'abc'],
    ['many bytes', [70, 60 << 2, 69, ...Array.from({ length: 70 }, () => 97)], 'a'.repeat(70)],
    ['a copy with an offset of eleven bits', [7, 2 << 2, 97, 98, 99, 1, 3], 'abcabca'],
    ['a copy with two bytes of offset, into what it makes', [11, 0, 97, (9 << 2) | 2, 1, 0], 'a'.repeat(11)],
    ['a copy with four bytes of offset', [4, 1 << 2, 97, 98, (1 << 2) | 3, 2, 0, 0, 0], 'abab']
  ])('reads %s', (_, bytes, text) => {
    expect(unsnap(Buffer.from(bytes))?.toString()).toBe(text)
  })

  it.each([
    ['nothing', []],
    ['a length without its end', [0x80]],
    ['a length that nothing comes to', [0xff, 0xff, 0xff, 0x7f, 0]],
    ['a copy of what is not there', [5, 0, 97, (3 << 2) | 2, 2, 0]],
    ['a copy of nothing', [5, 0, 97, (3 << 2) | 2, 0, 0]],
    ['more than it says', [2, 2 << 2, 97, 98, 99]],
    ['less than it says', [4, 2 << 2, 97, 98, 99]],
    ['bytes that end early', [3, 2 << 2, 97]],
    ['an element that ends early', [70, 61 << 2, 1]]
  ])('refuses %s', (_, bytes) => {
    expect(unsnap(Buffer.from(bytes))).toBeUndefined()
  })
})
