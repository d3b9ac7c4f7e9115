import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDataDirectory } from '../store/data-directory.js'
import { openJournal } from '../store/journal.js'
import { resetPeer } from './reset-peer.js'

const now = (): number => Date.parse('2026-02-01T10:20:30.000Z')
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'instar-reset-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

/** A peer that has run, and knows so many others. */
async function make(others: number): Promise<string> {
  const dataDirectory = join(root, 'peer')
  const directory = await openDataDirectory(dataDirectory, { now })
  await directory.store.writeKnownPeers(
    Array.from({ length: others }, (_, i) => ({ peer: `peer${i}`, addresses: [], lastSeenMs: 0 }))
  )
  const journal = await openJournal(directory.paths.journal)
  await journal.append([{ type: 'began', body: {} }])
  await journal.close()
  await mkdir(directory.paths.state)
  await writeFile(join(directory.paths.state, 'orders'), 'all of them')
  await directory.close()
  return dataDirectory
}

it('moves state and journal aside, keeps who the peer is, and leaves a journal that waits for others', async () => {
  const dataDirectory = await make(1)
  const key = await readFile(join(dataDirectory, 'identity.key'))
  const reset = await resetPeer({ dataDirectory, now })
  expect(reset).toMatchObject({
    aside: join(dataDirectory, 'aside', '2026-02-01T10-20-30.000Z'),
    moved: ['state', 'journal'],
    joinsAsNewcomer: true
  })
  expect(await readFile(join(reset.aside, 'state', 'orders'), 'utf8')).toBe('all of them')
  expect(await readFile(join(dataDirectory, 'identity.key'))).toEqual(key)
  expect(await readdir(dataDirectory)).not.toContain('state')
  const journal = await openJournal(join(dataDirectory, 'journal'))
  expect(journal.records).toEqual([{ type: 'reset', body: { atMs: now() } }])
  await journal.close()
  // Asked for again, it has nothing left to move but what it wrote itself.
  expect((await resetPeer({ dataDirectory, now: () => now() + 1000 })).moved).toEqual(['journal'])
})

it('lets a peer that knows nobody begin the network again', async () => {
  const dataDirectory = await make(0)
  expect((await resetPeer({ dataDirectory, now })).joinsAsNewcomer).toBe(false)
  expect(await readdir(dataDirectory)).not.toContain('journal')
})

it('refuses a peer that runs, and a folder without one', async () => {
  const dataDirectory = await make(1)
  const running = await openDataDirectory(dataDirectory, { now })
  await expect(resetPeer({ dataDirectory, now })).rejects.toMatchObject({ code: 'DataDirectoryInUse' })
  await running.close()
  await expect(resetPeer({ dataDirectory: join(root, 'nothing'), now })).rejects.toMatchObject({ code: 'BadInput' })
  expect(await readdir(root)).toEqual(['peer'])
})
