import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { InstarError, sha256Hex } from '@instar/core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { propertyRuns } from '../../../../test/property-budget.js'
import { openDataDirectory } from './data-directory.js'
import { openJournal } from './journal.js'

// What a peer finds when it opens its data directory, with one bit changed anywhere in it. The state and its own files are
// level-table.test.ts and level-log.test.ts of the simulator runtime.

let folder: string
let written: string
let copy: string
/** With their bytes. */
let files: ReadonlyMap<string, number>
let truth: unknown

async function found(root: string): Promise<unknown> {
  const directory = await openDataDirectory(root)
  try {
    const journal = await openJournal(directory.paths.journal)
    await journal.close()
    const { identity, bootEpoch, store, audit } = directory
    return {
      identity: Buffer.from(identity.raw).toString('hex'),
      bootEpoch,
      journal: journal.records,
      trust: await store.readTrust(),
      value: await store.readValue('a value'),
      // It is a witness of other truths, and says itself what is wrong with it.
      audit: audit.problem ?? audit.setAtStart
    }
  } finally {
    await directory.close()
  }
}

async function flip(path: string, at: number, bit: number): Promise<void> {
  const bytes = await readFile(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
  await writeFile(path, bytes)
}

async function freshCopy(): Promise<void> {
  await rm(copy, { recursive: true, force: true })
  await cp(written, copy, { recursive: true })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-changed-'))
  written = join(folder, 'written')
  copy = join(folder, 'copy')
  // Each opening writes what the one before has left in the log into a table.
  for (let start = 1; start <= 3; start++) {
    const directory = await openDataDirectory(written, { now: () => start })
    const journal = await openJournal(directory.paths.journal)
    await journal.append([{ type: 'start', body: { start } }])
    await journal.close()
    const documents = ['root', `targets ${start}`].map(text => {
      const bytes = new Uint8Array(Buffer.from(text.repeat(40)))
      return { hash: sha256Hex(bytes), role: 'targets', version: start, bytes }
    })
    const set = await directory.store.writeTrust({ documents, version: start, chainId: 'id' })
    await directory.audit.append({ event: 'started', epoch: start, network: 'n', peer: 'p', instar: '1', set } as never)
    await directory.store.writeValue('a value', new Uint8Array(Buffer.from(`of start ${start}`)))
    await directory.close()
  }
  const sizes = new Map<string, number>()
  for (const entry of await readdir(written, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    // LevelDB's notes for people, and its lock.
    if (!entry.isFile() || /^(LOCK|LOG|LOG\.old|pid)$/.test(entry.name)) continue
    const { size } = await stat(path)
    if (size > 0) sizes.set(path.slice(written.length + 1), size)
  }
  files = sizes
  await freshCopy()
  truth = await found(copy)
  await freshCopy()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a bit that has changed in whatever file is named, or changes nothing', async () => {
  const names = [...files.keys()]
  const kinds = ['identity.key', 'journal', '.ldb', '.log', 'CURRENT', 'MANIFEST-', 'audit']
  for (const kind of kinds)
    expect(
      names.filter(name => name.includes(kind)),
      kind
    ).not.toEqual([])
  const counts = { named: 0, harmless: 0 }
  const place = fc
    .constantFrom(...names)
    .chain(name => fc.record({ name: fc.constant(name), at: fc.nat(files.get(name)! - 1), bit: fc.nat(7) }))
  await fc.assert(
    fc.asyncProperty(place, async ({ name, at, bit }) => {
      await freshCopy()
      await flip(join(copy, name), at, bit)
      try {
        const { audit, ...rest } = (await found(copy)) as { audit: unknown }
        const { audit: auditTruth, ...truths } = truth as { audit: unknown }
        expect(rest).toEqual(truths)
        if (name.startsWith('audit') && audit !== auditTruth) expect(audit).toContain(basename(name))
        else expect(audit).toBe(auditTruth)
        counts.harmless++
      } catch (thrown) {
        if (!(thrown instanceof InstarError)) throw thrown
        expect(['DataDirectoryDamaged', 'JournalDamaged']).toContain(thrown.code)
        expect(thrown.message).toContain(join(copy, name))
        counts.named++
      }
    }),
    { numRuns: propertyRuns(25) }
  )
  expect(counts.named).toBeGreaterThan(10)
})

test('no bit of the identity can change without a word', async () => {
  await freshCopy()
  const key = join(copy, 'identity.key')
  const bytes = await readFile(key)
  const { identity } = truth as { identity: string }
  for (let at = 0; at < bytes.length; at += propertyRuns(1) === 1 ? 9 : 1) {
    await flip(key, at, at % 8)
    await found(copy).then(
      now => expect(now).toMatchObject({ identity }),
      (thrown: unknown) => expect(thrown).toMatchObject({ code: 'DataDirectoryDamaged', detail: { path: key } })
    )
    await writeFile(key, bytes)
  }
})
