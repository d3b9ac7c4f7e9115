// Every system call of a switch that concerns the peer's files or its processes fails once, as strace lets it fail. Whatever the peer makes
// of it, nothing that was acknowledged is lost or made twice, and the upgrade goes on: by itself, or when somebody does what the status says.

import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCallers, type Callers } from '../fixtures/ledger/callers.js'
import { unspeakable } from '../fixtures/ledger/v2-twin.js'
import { fixtureModule } from '../fixtures/modules.js'
import { hostsOf } from '../fixtures/processes.js'
import { runsEverything } from '../fixtures/selection.js'
import { goOn, hasUpgraded, isServing, phaseOf, type Arrival } from './go-on.js'
import { randomOf, seed } from './seed.js'
import { inject, trace, whatStraceLacks, type Injection, type TracedCall } from './strace.js'

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

interface Window {
  readonly module: string
  readonly stable: string
  /** What stands before the window opens, from a version 2 that waits or is not published yet. */
  readonly published: boolean
  readonly prepare?: (peer: LocalPeer) => Promise<void>
  readonly open: (peer: LocalPeer, publish: () => Promise<void>) => Promise<unknown>
  readonly closed: Arrival
}

const goBackFrom = (peer: LocalPeer) =>
  peer.control.call({ method: 'enter', args: [unspeakable], version: 2, timeoutMs: 20_000 }).catch(() => undefined)

const windows: Readonly<Record<string, Window>> = {
  'an upgrade with a transform in the pause': {
    module: 'ledger/v2',
    stable: '0s',
    published: true,
    open: peer => peer.control.approve(2),
    closed: status => hasUpgraded(status) && phaseOf(status) === 'committed'
  },
  'an upgrade with a transform by entries': {
    module: 'ledger/v2-entries',
    stable: '0s',
    published: true,
    open: peer => peer.control.approve(2),
    closed: status => hasUpgraded(status) && phaseOf(status) === 'committed'
  },
  'the introduction of a twin': {
    module: 'ledger/v2-twin',
    stable: '0s',
    published: false,
    open: (_, publish) => publish(),
    closed: status => isServing(status) && status.served?.[1] === 2
  },
  'going back from a twin': {
    module: 'ledger/v2-twin',
    stable: '1h',
    published: true,
    async prepare(peer) {
      await peer.control.approve(2)
      await peer.until('is on trial', status => phaseOf(status) === 'trial' && isServing(status))
    },
    open: goBackFrom,
    closed: status => phaseOf(status) === 'wentBack' && isServing(status)
  }
}

/** So many injections of each window; the others are taken by another seed. `INSTAR_FAULTS_PER_WINDOW=all` takes every one. */
const perWindow = process.env['INSTAR_FAULTS_PER_WINDOW'] ?? '40'

describe.runIf(runsEverything && lacks === undefined).each(Object.entries(windows))(
  'one system call that fails in %s',
  (name, window) => {
    let network: LocalNetwork
    let peer: LocalPeer
    let proposal: string
    let template: string
    const results: string[] = []

    beforeAll(async () => {
      network = await createLocalNetwork({ classes: [fixtureModule('ledger/v1')] })
      peer = network.addPeer('peer')
      await peer.start({ timing: { retryMinMs: 200, retryMaxMs: 1000, upgradeAttemptsMax: 5 } })
      await peer.until('serves', isServing)
      const modules = [fixtureModule(window.module)]
      proposal = await network.buildUpgrade(peer, {
        modules,
        schedule: 'manual',
        stable: window.stable,
        retireAfter: '1h'
      })
      if (window.published) {
        await network.publish(peer, proposal)
        await peer.until('waits for its operator', status => phaseOf(status) === 'waiting' && status.served?.[1] === 2)
      }
      await peer.stop()
      template = join(network.directory, 'template')
      await cp(peer.dataDirectory, template, { recursive: true })
    })
    afterAll(async () => {
      await network.stop()
      console.log(`${name}, seed ${seed}: ${results.length} injections\n${results.join('\n')}`)
    })

    /** A peer as it stood before the window, with some lines in its ledger. */
    async function stand(): Promise<{ callers: Callers; pids: readonly number[] }> {
      await peer.stop()
      await rm(peer.dataDirectory, { recursive: true, force: true })
      await cp(template, peer.dataDirectory, { recursive: true })
      await peer.start()
      await peer.until('serves', status => isServing(status) && (!window.published || status.served?.[1] === 2))
      const callers = createCallers()
      for (let i = 0; i < 10; i++) await callers.add(peer)
      await window.prepare?.(peer)
      return { callers, pids: [peer.pid!, ...(await hostsOf(peer.pid!))] }
    }

    const publish = (): Promise<void> => network.publish(peer, proposal)

    /** What a switch that goes well calls: each call with each path, as often as it comes. */
    async function enumerate(): Promise<readonly Injection[]> {
      const { callers, pids } = await stand()
      const tracing = await trace(pids, Object.keys(errorsOf))
      const load = callers.start(peer, 2)
      await window.open(peer, publish)
      await peer.until('is through', window.closed)
      await load.stop()
      const traced = await tracing.end()
      await callers.check(peer, name)
      return rowsOf(traced, peer.dataDirectory)
    }

    async function suffer(injection: Injection): Promise<void> {
      const { callers, pids } = await stand()
      const injecting = await inject(pids, injection)
      const load = callers.start(peer, 2)
      const where = `${injection.call} ${injection.path?.replace(peer.dataDirectory, '') ?? ''} #${injection.nth} ${injection.error}`
      let took: readonly string[] = []
      let struck: string | undefined
      try {
        await window.open(peer, publish).catch(() => undefined)
        took = await goOn(peer, window.closed, where).catch(async (thrown: unknown) => {
          await injecting.end()
          // Its word may have been lost with what failed: it is said again.
          if (!peer.running) await peer.start()
          await window.open(peer, publish).catch(() => undefined)
          return ['another word', ...(await goOn(peer, window.closed, `${where} (${String(thrown)})`))]
        })
      } finally {
        struck = await injecting.end()
        await load.stop()
      }
      const result = `${struck === undefined ? 'not called' : 'struck'}: ${where}${took.length > 0 ? `: ${took.join('; ')}` : ''}`
      results.push(result)
      console.log(`${results.length} ${result}`)
      await callers.check(peer, where)
    }

    it('costs nothing that was acknowledged, and the upgrade goes on', { timeout: 4 * 3_600_000 }, async () => {
      const rows = await enumerate()
      const chosen = perWindow === 'all' ? rows : sample(rows, Number(perWindow), randomOf(name))
      console.log(`${name}: ${chosen.length} of ${rows.length} injections, seed ${seed}`)
      const failed: string[] = []
      for (const row of chosen) {
        await suffer(row).catch((thrown: unknown) => failed.push(`${JSON.stringify(row)}: ${String(thrown)}`))
        if (failed.length > 0) console.log(failed.at(-1))
      }
      expect(failed).toEqual([])
      expect(results.filter(each => each.startsWith('struck')).length).toBeGreaterThan(chosen.length / 2)
    })
  }
)

function rowsOf(traced: readonly TracedCall[], dataDirectory: string): readonly Injection[] {
  const counts = new Map<string, number>()
  for (const { call, path } of traced) {
    if (!ofProcesses.has(call) && path?.startsWith(dataDirectory) !== true) continue
    const key = ofProcesses.has(call) ? call : `${call} ${path ?? ''}`
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
