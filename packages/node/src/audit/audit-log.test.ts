import { appendFile, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openAuditLog, type AuditLog } from './audit-log.js'
import { auditEvents, type AuditEntry, type AuditHead } from './audit-line.js'
import { openDataDirectory } from '../store/data-directory.js'
import { checkAudit } from './check-audit.js'
import { verifyAudit } from './verify-audit.js'

let directory: string
let known: AuditHead | undefined
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-audit-'))
  known = undefined
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const store = {
  readAuditHead: async () => known,
  writeAuditHead: async (head: AuditHead) => void (known = head)
}

async function openLog(more: { fileBytesMax?: number; now?: () => number } = {}): Promise<AuditLog> {
  return openAuditLog({ directory, store, now: () => 0, ...more })
}

const entry = (set: number): AuditEntry => ({ event: 'trusted', role: 'targets', number: set, set, from: 'ä peer' })

async function write(count: number, fileBytesMax = 1_000_000): Promise<void> {
  const log = await openLog({ fileBytesMax })
  for (let i = 1; i <= count; i++) await log.append(entry(log.setAtStart + i))
  await log.close()
}

const names = async () => (await readdir(directory)).sort()
const pathOf = async (index: number) => join(directory, (await names()).at(index)!)

test('goes on where it ended, across starts and files, and can be followed from the first line to the last', async () => {
  await write(5, 400)
  await write(4, 400)
  const check = await verifyAudit(directory, known)
  expect(check).toMatchObject({ flaw: undefined, tornBytes: 0, first: 1, head: known })
  expect(check.files).toBeGreaterThan(3)
  expect(check.lines).toBe(known!.seq)
  const log = await openLog()
  expect(log.setAtStart).toBe(9)
  expect(log.problem).toBeUndefined()
  expect(log.head()).toEqual(known)
  await log.close()
})

test('every byte that is another one is noticed, at the line where it is', async () => {
  await write(3)
  const path = await pathOf(0)
  const whole = await readFile(path)
  const lineOf = (at: number) => whole.subarray(0, at).filter(byte => byte === 0x0a).length + 1
  for (let at = 0; at < whole.length; at++) {
    for (const bit of [0x01, 0x20]) {
      const changed = Buffer.from(whole)
      changed[at]! ^= bit
      await writeFile(path, changed)
      const { flaw } = await verifyAudit(directory, known)
      // Where the very last line end is gone the line is no line any more.
      expect(flaw?.line, `byte ${at}`).toBe(at === whole.length - 1 ? 0 : lineOf(at))
    }
  }
})

test('every line that is gone, said twice or moved is noticed, and every cut', async () => {
  await write(6)
  const path = await pathOf(0)
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1)
  const flawWith = async (changed: readonly string[]) => {
    await writeFile(path, changed.map(line => `${line}\n`).join(''))
    return (await verifyAudit(directory, known)).flaw
  }
  expect(await flawWith(lines)).toBeUndefined()
  for (let i = 0; i < lines.length; i++) {
    expect(await flawWith(lines.toSpliced(i, 1)), `without line ${i + 1}`).toBeDefined()
    expect(await flawWith(lines.toSpliced(i, 0, lines[i]!)), `line ${i + 1} twice`).toBeDefined()
    for (let j = i + 1; j < lines.length; j++) {
      const swapped = lines.with(i, lines[j]!).with(j, lines[i]!)
      expect((await flawWith(swapped))?.line, `${i + 1} and ${j + 1} swapped`).toBe(i + 1)
    }
  }
  const whole = Buffer.from(lines.map(line => `${line}\n`).join(''))
  for (let bytes = 0; bytes < whole.length; bytes += 7) {
    await writeFile(path, whole.subarray(0, bytes))
    expect((await verifyAudit(directory, known)).flaw, `cut to ${bytes} bytes`).toBeDefined()
  }
})

test('a file that is gone, renamed or from another time is noticed; older ones may be kept elsewhere', async () => {
  await write(8, 400)
  const all = await names()
  expect(all.length).toBeGreaterThan(3)
  const oldest = join(directory, all[0]!)
  const aside = join(directory, 'elsewhere')
  await rename(oldest, aside)
  expect(await verifyAudit(directory, known)).toMatchObject({ flaw: undefined, first: Number.parseInt(all[1]!, 10) })
  await rename(aside, oldest)
  for (const name of all.slice(1)) {
    await rename(join(directory, name), aside)
    expect((await verifyAudit(directory, known)).flaw).toBeDefined()
    await rename(aside, join(directory, name))
  }
  await rename(join(directory, all[1]!), join(directory, '000000000099.jsonl'))
  expect((await verifyAudit(directory, known)).flaw).toBeDefined()
})

test('a last line that a crash has cut short is cut off, and the next line says so', async () => {
  await write(3)
  const path = await pathOf(0)
  await appendFile(path, '{"seq":5,"at":"19')
  expect(await verifyAudit(directory, known)).toMatchObject({ flaw: undefined, tornBytes: 17 })
  const log = await openLog()
  expect(log.problem).toBeUndefined()
  await log.append(entry(4))
  await log.close()
  const events = (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as AuditEntry)
  expect(events.map(each => each.event)).toEqual(['began', 'trusted', 'trusted', 'trusted', 'torn', 'trusted'])
  expect(events[4]).toMatchObject({ bytes: 17 })
  expect((await verifyAudit(directory, known)).flaw).toBeUndefined()
})

test.each([
  [
    'a changed line',
    async (path: string) => writeFile(path, (await readFile(path, 'utf8')).replace('"set":2', '"set":7'))
  ],
  ['lines cut off that were acknowledged', async (path: string) => truncate(path, 600)],
  ['an empty file', async (path: string) => truncate(path, 0)],
  ['no file', async (path: string) => rm(path)]
])('%s: it says so, goes on in another file, replaces nothing, and keeps saying so', async (_, damage) => {
  await write(4)
  await damage(await pathOf(0))
  const before = await Promise.all((await names()).map(async name => readFile(join(directory, name))))
  const log = await openLog()
  expect(log.problem).toMatch(/audit log is not what this peer wrote/)
  await log.append(entry(5))
  await log.close()
  const after = await Promise.all((await names()).map(async name => readFile(join(directory, name))))
  expect(after.slice(0, before.length)).toEqual(before)
  expect(after).toHaveLength(before.length + 1)
  expect((await verifyAudit(directory, known)).flaw).toBeDefined()
  const again = await openLog()
  expect(again.problem).toBeUndefined()
  expect(again.setAtStart).toBe(5)
  await again.close()
})

test('knows the newest trusted set behind a flaw too', async () => {
  await write(4)
  const path = await pathOf(0)
  await writeFile(path, (await readFile(path, 'utf8')).replace('"set":2', '"set":9'))
  const log = await openLog()
  expect(log.setAtStart).toBe(4)
  await log.close()
})

test('a flood of refusals fills a few lines and is counted', async () => {
  let nowMs = 0
  const log = await openLog({ now: () => nowMs })
  for (let i = 0; i < 5000; i++) log.refused(`peer ${i % 100}`, 'ThresholdNotMet', 'x'.repeat(5000))
  nowMs += 5 * 60_000
  log.refused('another', 'TooLarge', 'y')
  log.refused('another', 'TooLarge', 'y')
  await log.close()
  const lines = (await readFile(await pathOf(0), 'utf8')).split('\n').slice(0, -1)
  const events = lines.map(line => JSON.parse(line) as AuditEntry)
  expect(lines.join('').length).toBeLessThan(20_000)
  expect(events.filter(each => each.event === 'refused')).toHaveLength(17)
  expect(events.filter(each => each.event === 'refusedMore').map(each => [each['count'], each['codes']])).toEqual([
    [4984, { ThresholdNotMet: 4984 }],
    [1, { TooLarge: 1 }]
  ])
  expect((await verifyAudit(directory, known)).flaw).toBeUndefined()
})

test('the page of formats lists every event, and no other', async () => {
  const page = await readFile(new URL('../../../../docs/protocol/formats.md', import.meta.url), 'utf8')
  const table = /\| event \| fields \|\n\|---\|---\|\n((?:\|.*\|\n)+)/.exec(page)?.[1] ?? ''
  const named = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) => cell!.match(/\w+/g) ?? [])
  expect(named.sort()).toEqual([...auditEvents].sort())
})

test('a log whose store another process has open is checked with the word of the peer, or not at all', async () => {
  const root = join(directory, 'peer')
  const peer = await openDataDirectory(root)
  await expect(checkAudit(root)).rejects.toMatchObject({ code: 'DataDirectoryInUse' })
  expect(await checkAudit(root, peer.audit.head())).toMatchObject({ flaw: undefined, lines: 1 })
  await peer.close()
  expect(await checkAudit(root)).toMatchObject({ flaw: undefined, lines: 1 })
  await expect(checkAudit(join(directory, 'nothing'))).rejects.toMatchObject({ code: 'BadInput' })
})
