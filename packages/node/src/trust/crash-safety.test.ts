import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { InstarError, sha256Hex } from '@instar/core'
import { documentsOf, emptyTrust, trust as judge, type TrustState } from '@instar/signer'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { runsEverything } from '../../../../test/fixtures/selection.js'
import { makeNetwork } from '../../test/authors.js'
import { stopPeers, temporaryDirectory } from '../../test/peers.js'
import { openDataDirectory } from '../store/data-directory.js'
import { createTrustService } from './trust-service.js'

afterEach(stopPeers)

const writer = fileURLToPath(new URL('../../test/trust-writer.mjs', import.meta.url))

/** A network's documents, and what is trusted after each of them. */
async function makeHistory(publications: number) {
  const { network, documents, next, refresh } = await makeNetwork()
  const all = [...documents]
  for (let i = 0; i < publications; i++) all.push(...(await next()), ...(await refresh()))
  let state = emptyTrust(network)
  const prints = [printOf(state)]
  for (const document of all) {
    state = judge(state, document, 0).state
    prints.push(printOf(state))
  }
  const file = join(await temporaryDirectory(), 'documents.json')
  await writeFile(file, JSON.stringify({ network, documents: all.map(each => Buffer.from(each).toString('base64')) }))
  return { network, all, prints, file }
}

/** Everything that is trusted, evidence and all, in one hash. */
function printOf(state: TrustState): string {
  return sha256Hex(
    documentsOf(state)
      .flatMap(({ info: { hash, as } }) => [hash, as])
      .join()
  )
}

/** What a peer that starts on this directory trusts, or why it does not start. */
async function startOn(root: string, network: string): Promise<{ print: string } | { refused: string }> {
  try {
    const directory = await openDataDirectory(root)
    try {
      const { store, audit } = directory
      const log = pino({ level: 'silent' })
      const trust = createTrustService({ network, store, audit, log, onFact: () => undefined })
      await trust.start()
      return { print: printOf(trust.state()) }
    } finally {
      await directory.close()
    }
  } catch (thrown) {
    if (thrown instanceof InstarError) return { refused: thrown.code }
    throw thrown
  }
}

/** Feeds documents until `kill` says so after one was acknowledged, or later by itself; returns how many were. */
async function feedAndKill(root: string, file: string, afterCount: number, delayMs = 0): Promise<number> {
  const child = spawn(process.execPath, [writer, root, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let done = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, count] = line.split(' ')
    if (word === 'done') done = Number(count)
    if (done < afterCount && word !== 'all') continue
    if (delayMs === 0) child.kill('SIGKILL')
    else setTimeout(() => child.kill('SIGKILL'), delayMs)
  }
  await ended
  return done
}

test('a process that is killed at any moment trusts afterwards what it acknowledged, or the one document more', async () => {
  const { network, all, prints, file } = await makeHistory(runsEverything ? 24 : 6)
  const root = join(await temporaryDirectory(), 'peer')
  const kills = runsEverything ? 100 : 4
  let acknowledged = 0
  for (let i = 1; i <= kills; i++) {
    // Each process is handed everything from the beginning again, and may be killed before it comes to what is new.
    const done = await feedAndKill(root, file, Math.floor((i * all.length) / kills), (i % 5) * 0.4)
    acknowledged = Math.max(acknowledged, done)
    const found = await startOn(root, network)
    expect([prints[acknowledged], prints[acknowledged + 1]], `kill ${i} after ${done} documents`).toContain(
      'print' in found ? found.print : found.refused
    )
    if ('print' in found && found.print !== prints[acknowledged]) acknowledged++
  }
}, 600_000)

const damages = {
  /** Of the second half: a write that did not reach the disk. */
  cut: (bytes: Buffer, at: number) => bytes.subarray(0, at),
  zeroed: (bytes: Buffer, at: number) => Buffer.concat([bytes.subarray(0, at), Buffer.alloc(bytes.length - at)]),
  flipped: (bytes: Buffer, at: number) => {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 0x10
    return changed
  }
}

test('a file that is cut off, zeroed from some place on, flipped in one byte, of another time, or gone is noticed, and never taken for an earlier truth', async () => {
  const { network, all, prints, file } = await makeHistory(3)
  const root = join(await temporaryDirectory(), 'peer')
  await feedAndKill(root, file, Math.floor(all.length / 2))
  const earlier = `${root}-earlier`
  await cp(root, earlier, { recursive: true })
  const done = await feedAndKill(root, file, all.length)
  expect(done).toBe(all.length)
  const copy = `${root}-copy`
  const outcomes = new Map<string, number>()
  const check = async (what: string, damage: () => Promise<unknown>) => {
    await rm(copy, { recursive: true, force: true })
    await cp(root, copy, { recursive: true })
    await damage()
    const found = await startOn(copy, network)
    const outcome = 'refused' in found ? found.refused : found.print === prints[done] ? 'exact' : 'another truth'
    expect(['exact', 'DataDirectoryDamaged'], what).toContain(outcome)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  await check('untouched', async () => undefined)
  const folders = ['store', 'audit']
  for (const folder of folders) {
    for (const name of await readdir(join(root, folder))) {
      const path = join(copy, folder, name)
      const bytes = await readFile(join(root, folder, name))
      await check(`${folder}/${name} gone`, () => rm(path))
      const old = await readFile(join(earlier, folder, name)).catch(() => undefined)
      if (old !== undefined) await check(`${folder}/${name} as it was earlier`, () => writeFile(path, old))
      for (const [word, damage] of Object.entries(damages)) {
        for (const at of placesIn(bytes.length))
          await check(`${folder}/${name} ${word} at byte ${at}`, () => writeFile(path, damage(bytes, at)))
      }
    }
    await check(`${folder} gone`, () => rm(join(copy, folder), { recursive: true }))
    await check(`${folder} as it was earlier`, async () => {
      await rm(join(copy, folder), { recursive: true })
      await cp(join(earlier, folder), join(copy, folder), { recursive: true })
    })
  }
  // Neither outcome is so by the way the test is made.
  expect(outcomes.get('exact')).toBeGreaterThan(5)
  expect(outcomes.get('DataDirectoryDamaged')).toBeGreaterThan(5)
}, 600_000)

/** Evenly spread, ends included: a few, or very many. */
function placesIn(length: number): readonly number[] {
  if (length === 0) return []
  const count = Math.min(length, runsEverything ? 60 : 3)
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - 1)) / Math.max(1, count - 1)))
}
