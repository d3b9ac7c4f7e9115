// Every system call of a switch that concerns the peer's files or its processes fails once, as strace lets it fail. Whatever the peer makes
// of it, nothing that was acknowledged is lost or made twice, and the upgrade goes on: by itself, or when somebody does what the status says.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeJournal } from '@instar/core'
import type { LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostsOf } from '../fixtures/processes.js'
import { runsEverything } from '../fixtures/selection.js'
import { randomOf, seed } from './seed.js'
import { inject, trace, whatStraceLacks, type Injection, type TracedCall } from './strace.js'
import { createStage, type Stage } from './stage.js'
import { openAndGoOn, windows } from './windows.js'

const lacks = await whatStraceLacks()
if (lacks !== undefined) console.warn(`Failing system calls are left out: ${lacks}.`)

/** What a disk or a kernel out of room says, by what is called. */
const errorsOf: Readonly<Record<string, readonly string[]>> = {
  openat: ['EIO', 'EMFILE', 'ENOSPC'],
  read: ['EIO'],
  pread64: ['EIO'],
  write: ['ENOSPC', 'EIO'],
  pwrite64: ['ENOSPC', 'EIO'],
  fsync: ['EIO', 'ENOSPC'],
  fdatasync: ['EIO', 'ENOSPC'],
  rename: ['EIO', 'ENOSPC'],
  unlink: ['EIO'],
  rmdir: ['EIO'],
  mkdir: ['ENOSPC', 'EIO'],
  link: ['EIO', 'ENOSPC'],
  ftruncate: ['EIO', 'ENOSPC'],
  mmap: ['ENOMEM'],
  fcntl: ['ENOLCK'],
  getdents64: ['EIO'],
  newfstatat: ['EIO'],
  socketpair: ['EMFILE'],
  pipe2: ['EMFILE'],
  eventfd2: ['EMFILE'],
  epoll_create1: ['EMFILE'],
  clone: ['EAGAIN'],
  clone3: ['EAGAIN'],
  execve: ['EIO']
}
/** Calls that are about processes: they concern no file. */
const ofProcesses = new Set(['socketpair', 'pipe2', 'eventfd2', 'epoll_create1', 'clone', 'clone3', 'execve'])
const nthMax = 4

/** So many injections of each window; the others are taken by another seed. `INSTAR_FAULTS_PER_WINDOW=all` takes every one. */
const perWindow = process.env['INSTAR_FAULTS_PER_WINDOW'] ?? '40'
/** Those only of which the line that is printed when they fail matches this regular expression. */
const only = new RegExp(process.env['INSTAR_FAULTS_ONLY'] ?? '')

describe.runIf(runsEverything && lacks === undefined).each(Object.entries(windows))(
  'one system call that fails in %s',
  (name, window) => {
    let stage: Stage
    let peer: LocalPeer
    const results: string[] = []
    const failed: string[] = []
    let tried = 0

    beforeAll(async () => {
      stage = await createStage(window)
      ;({ peer } = stage)
    })
    afterAll(async () => {
      await stage.stop()
      const struck = results.filter(each => each.startsWith('struck')).length
      const passed = tried - failed.length
      console.log(`${name}, seed ${seed}: ${tried} tried, ${struck} struck, ${passed} passed\n${results.join('\n')}`)
    })

    const pids = async (): Promise<readonly number[]> => [peer.pid!, ...(await hostsOf(peer.pid!))]

    /** What a switch that goes well calls: each call with each path, as often as it comes. */
    async function enumerate(): Promise<readonly Injection[]> {
      const callers = await stage.stand()
      const tracing = await trace(await pids(), Object.keys(errorsOf))
      const load = callers.start(peer, 2)
      // Going back is begun by a call that fails.
      await window.open(stage.peer, stage.publish).catch(() => undefined)
      await peer.until('is through', window.closed)
      await load.stop()
      const traced = await tracing.end()
      await callers.check(peer, name)
      return rowsOf(traced, peer.dataDirectory)
    }

    async function suffer(injection: Injection, mayRepeat = true): Promise<void> {
      const callers = await stage.stand()
      const injecting = await inject(await pids(), injection)
      const load = callers.start(peer, 2)
      const file = injection.path?.replace(peer.dataDirectory, '') ?? ''
      const where = `${injection.call} ${file} #${injection.nth} ${injection.error}`
      let took: readonly string[] = []
      let struck: string | undefined
      try {
        took = await openAndGoOn(stage, window, where)
      } catch (thrown) {
        await injecting.end()
        if (!injecting.hung || !mayRepeat) throw thrown
        await load.stop()
        await suffer(injection, false)
        return
      } finally {
        struck = await injecting.end()
        await load.stop()
      }
      const result = `${struck === undefined ? 'not called' : 'struck'}: ${where}${took.length > 0 ? `: ${took.join('; ')}` : ''}`
      results.push(result)
      console.log(`${results.length} ${result}`)
      await callers.check(peer, where)
      expect(await versionsBlamed(peer), `${where}: a disk is no version's fault`).toEqual([])
    }

    it('costs nothing that was acknowledged, and the upgrade goes on', { timeout: 4 * 3_600_000 }, async () => {
      const rows = (await enumerate()).filter(row => only.test(JSON.stringify(row)))
      const chosen = perWindow === 'all' ? rows : sample(rows, Number(perWindow), randomOf(name))
      console.log(`${name}: ${chosen.length} of ${rows.length} injections, seed ${seed}`)
      for (const row of chosen) {
        tried++
        await suffer(row).catch((thrown: unknown) => {
          failed.push(`${JSON.stringify(row)}: ${String(thrown)}, ${String((thrown as Error).cause)}`)
          console.log(failed.at(-1))
        })
      }
      expect(failed).toEqual([])
      // Of a few that somebody chose none may be called again.
      if (only.source === '(?:)')
        expect(results.filter(each => each.startsWith('struck')).length).toBeGreaterThan(chosen.length / 2)
    })
  }
)

/** Whose introduction the peer has announced as failed. */
async function versionsBlamed(peer: LocalPeer): Promise<number[]> {
  const journal = decodeJournal(await readFile(join(peer.dataDirectory, 'journal')))
  const records = journal.outcome === 'damaged' ? [] : journal.records
  return records.flatMap(({ type, body }) => {
    const { version, phase } = body as { version: number; phase?: string }
    return type === 'phase' && phase === 'introduceFailed' ? [version] : []
  })
}

function rowsOf(traced: readonly TracedCall[], dataDirectory: string): readonly Injection[] {
  const counts = new Map<string, number>()
  for (const { call, path } of traced) {
    if (!ofProcesses.has(call) && path?.startsWith(dataDirectory) !== true) continue
    // A folder whose name is thrown for comes only once: there it is the n-th of all such calls.
    const isNamed = !ofProcesses.has(call) && path?.startsWith(join(dataDirectory, 'scratch')) !== true
    const key = isNamed ? `${call} ${path ?? ''}` : call
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts].flatMap(([key, count]) => {
    const [call = '', path] = key.split(' ')
    // What a host tries out in a folder of its own decides nothing: one failure of each call there is enough.
    const isTrial = path?.includes('.warm-up') === true
    const errors = (errorsOf[call] ?? []).slice(0, isTrial ? 1 : undefined)
    return Array.from({ length: isTrial ? 1 : Math.min(count, nthMax) }, (_, i) => i + 1).flatMap(nth =>
      errors.map(error => ({ call, error, nth, ...(path === undefined ? {} : { path }) }))
    )
  })
}

/** So many rows, the same for the same seed, spread over all of them. */
function sample<T>(rows: readonly T[], count: number, random: () => number): readonly T[] {
  const stride = Math.max(1, rows.length / count)
  return Array.from(
    { length: Math.min(count, rows.length) },
    (_, i) => rows[Math.floor((i + random()) * stride)]
  ).filter(row => row !== undefined)
}
