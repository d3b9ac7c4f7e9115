import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDataDirectory } from './data-directory.js'
import { openJournal } from './journal.js'

const writer = fileURLToPath(new URL('../../test/store-writer.mjs', import.meta.url))
let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'instar-data-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('makes a private directory with an identity that stays, and counts its starts', async () => {
  const path = join(root, 'peer')
  const first = await openDataDirectory(path)
  expect((await stat(path)).mode & 0o777).toBe(0o700)
  expect((await stat(first.paths.identityKey)).mode & 0o777).toBe(0o600)
  await first.close()
  const second = await openDataDirectory(path)
  expect(second.identity.equals(first.identity)).toBe(true)
  expect([first.bootEpoch, second.bootEpoch]).toEqual([1, 2])
  await second.close()
})

test('refuses a directory that another process has open, and names it', async () => {
  const child = fork(writer, [root], { stdio: 'pipe' })
  try {
    await nextLine(child, /^done/)
    await expect(openDataDirectory(root)).rejects.toMatchObject({
      code: 'DataDirectoryInUse',
      detail: { pid: String(child.pid) }
    })
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

test('refuses to open a directory twice in one process', async () => {
  const first = await openDataDirectory(root)
  await expect(openDataDirectory(root)).rejects.toMatchObject({ code: 'DataDirectoryInUse' })
  await first.close()
})

test('refuses an identity that others may read, and one that is no key', async () => {
  const made = await openDataDirectory(root)
  await made.close()
  await chmod(made.paths.identityKey, 0o644)
  await expect(openDataDirectory(root)).rejects.toMatchObject({ code: 'KeyUnsafe' })
  await chmod(made.paths.identityKey, 0o600)
  await writeFile(made.paths.identityKey, 'no key')
  await expect(openDataDirectory(root)).rejects.toMatchObject({ code: 'DataDirectoryDamaged' })
})

test('loses nothing that was acknowledged when its process is killed, and is free at once', async () => {
  let epoch = 0
  for (const rounds of [1, 5, 17, 43]) {
    const child = spawn(process.execPath, [writer, root], { stdio: ['ignore', 'pipe', 'inherit'] })
    let done = 0
    let started = 0
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, number] = line.split(' ')
      if (word === 'epoch') epoch = Number(number)
      if (word !== 'done') continue
      done = Number(number)
      started += 1
      if (started === rounds) child.kill('SIGKILL')
    }
    const directory = await openDataDirectory(root)
    const journal = await openJournal(directory.paths.journal)
    const trust = await directory.store.readTrust()
    const round = (journal.records.at(-1)?.body as { round: number }).round
    expect(round).toBeGreaterThanOrEqual(done)
    expect(directory.bootEpoch).toBe(++epoch)
    const texts = trust!.documents.map(document => Buffer.from(document.bytes).toString())
    // The set is written before the record of its round, so it is of that round or of the next one, and never of two.
    const rounds2 = new Set(texts.slice(1).map(text => Number(/round (\d+)/.exec(text)![1])))
    expect(texts).toHaveLength(4)
    expect(rounds2.size).toBe(1)
    expect([round, round + 1]).toContain([...rounds2][0])
    await journal.close()
    await directory.close()
  }
})

async function nextLine(child: { stdout: NodeJS.ReadableStream | null }, pattern: RegExp): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) if (pattern.test(line)) return line
  throw new Error('the child ended')
}
