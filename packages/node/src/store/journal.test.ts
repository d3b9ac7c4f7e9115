import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJournal, type JournalEntry } from './journal.js'

const fullDisk = fileURLToPath(new URL('../../test/full-disk.mjs', import.meta.url))
let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-journal-'))
  path = join(folder, 'journal')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const entry = (n: number): JournalEntry => ({ type: 'n', body: { n } })

async function entriesIn(file: string): Promise<readonly JournalEntry[]> {
  const journal = await openJournal(file)
  await journal.close()
  return journal.records
}

test('keeps what was appended, in order, over many openings', async () => {
  for (const n of [0, 2, 4]) {
    const journal = await openJournal(path)
    await Promise.all([journal.append([entry(n)]), journal.append([entry(n + 1)])])
    expect(journal.bytes).toBe((await stat(path)).size)
    await journal.close()
  }
  expect(await entriesIn(path)).toEqual([0, 1, 2, 3, 4, 5].map(entry))
})

test('compacts to what it is given, and goes on behind it', async () => {
  const journal = await openJournal(path)
  await journal.append([entry(0), entry(1), entry(2)])
  const before = journal.bytes
  await journal.compact([entry(9)])
  expect(journal.bytes).toBeLessThan(before)
  await journal.append([entry(10)])
  await journal.close()
  expect(await entriesIn(path)).toEqual([entry(9), entry(10)])
})

test('takes the old file where a compaction was killed before its rename', async () => {
  const journal = await openJournal(path)
  await journal.append([entry(0)])
  await journal.close()
  await writeFile(`${path}.new`, 'half a file')
  expect(await entriesIn(path)).toEqual([entry(0)])
  await expect(stat(`${path}.new`)).rejects.toThrow()
})

test('cuts off a torn last record at every length and appends behind the whole ones', async () => {
  const journal = await openJournal(path)
  await journal.append([entry(0), entry(1)])
  const whole = journal.bytes
  await journal.append([entry(2)])
  await journal.close()
  const file = await readFile(path)
  for (let length = whole + 1; length < file.length; length++) {
    await writeFile(path, file)
    await truncate(path, length)
    const torn = await openJournal(path)
    expect(torn).toMatchObject({ torn: true, records: [entry(0), entry(1)], bytes: whole })
    await torn.append([entry(7)])
    await torn.close()
    expect(await entriesIn(path)).toEqual([entry(0), entry(1), entry(7)])
  }
})

test('refuses a damaged journal with one sentence that names the record, and leaves the file alone', async () => {
  const journal = await openJournal(path)
  await journal.append([entry(0), entry(1), entry(2)])
  await journal.close()
  const file = await readFile(path)
  for (let i = 0; i < file.length; i += 5) {
    const flipped = Buffer.from(file)
    flipped[i]! ^= 0x10
    await writeFile(path, flipped)
    await expect(openJournal(path)).rejects.toMatchObject({
      code: 'JournalDamaged',
      message: expect.stringMatching(/^Record [123] of the journal/) as string
    })
    expect(await readFile(path)).toEqual(flipped)
  }
})

test('says that the disk is full, keeps what was appended before, and goes on when there is room', async () => {
  const limited = ['-c', 'ulimit -f 20; exec "$0" "$@"', process.execPath, fullDisk, path]
  const { stdout } = await promisify(execFile)('sh', limited)
  const said = JSON.parse(stdout) as { code: string; appended: number; kept: number }
  expect(said.code).toBe('DiskFull')
  expect(said.appended).toBeGreaterThan(5)
  expect(said.kept).toBe(said.appended)
  expect(await entriesIn(path)).toEqual([
    { type: 'n', body: { n: 'compacted' } },
    { type: 'n', body: { n: 'after' } }
  ])
})

test('refuses to append after it was closed', async () => {
  const journal = await openJournal(path)
  await journal.close()
  await expect(journal.append([entry(0)])).rejects.toMatchObject({ code: 'Stopped' })
})
