import { fork } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CallError, type CodeRef, type HostPlan, type SwitchStage } from '@instar/core'
import { callWithRetry, createRetryCounters, createSession } from '@instar/rpc'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runsEverything } from '../../../../test/fixtures/selection.js'
import { hostModules } from '../../test/host-modules.js'
import { createScratchFolder } from '../store/scratch-folder.js'
import { createHostManager } from './create-host-manager.js'
import type { HostExit, HostManager, HostManagerInit } from './host-manager.js'
import { rehearse } from './rehearsal.js'

const network = 'ab'.repeat(32)

let folder: string
let manager: HostManager
let exits: HostExit[]
let plans = 0

const refOf = (entry: string): CodeRef => ({ bundle: 'b'.repeat(64), entry })
const modulePath = ({ entry }: CodeRef): string => join(folder, 'modules', `${entry}.mjs`)
const limits = { loadMs: 5_000, drainMs: 300, transformMs: 500, heapMiB: 64 }

function planOf(entry: string, version = 1, change: Partial<HostPlan> = {}): HostPlan {
  return {
    format: 1,
    plan: ++plans,
    className: 'Counter',
    object: { ...refOf(entry), version, chainId: '0'.repeat(16), revision: 1 },
    past: [],
    future: [],
    steps: [],
    goBack: undefined,
    durability: 'os',
    limits,
    ...change
  }
}

const upgradePlan = (entry: string): HostPlan =>
  planOf(entry, 2, {
    steps: [
      { ...refOf(entry), from: 1, to: 2, chainId: '0'.repeat(16), transform: 'whole', fromRevision: 1, toRevision: 1 }
    ]
  })

function managerOf(change: Partial<HostManagerInit> = {}): HostManager {
  return createHostManager({
    stateDirectory: join(folder, 'state'),
    modulePath,
    network,
    outgoing: () => Promise.reject(new CallError('Unreachable', { message: 'nobody is there' })),
    log: pino({ level: 'silent' }),
    now: () => performance.now(),
    onExit: exit => exits.push(exit),
    ...change
  })
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-host-'))
  await mkdir(join(folder, 'modules'))
  for (const [name, text] of Object.entries(hostModules)) await writeFile(join(folder, 'modules', `${name}.mjs`), text)
  exits = []
  manager = managerOf()
})
afterEach(async () => {
  await manager.stop()
  await rm(folder, { recursive: true, force: true })
})

/** MessagePack of `[]`, `[n]` and `['text']`, and back: small values only. */
function encode(...args: ReadonlyArray<number | string>): Uint8Array {
  return Buffer.concat([
    Buffer.from([0x90 + args.length]),
    ...args.map(arg =>
      typeof arg === 'number'
        ? Buffer.from([arg])
        : Buffer.concat([Buffer.from([0xd9, Buffer.byteLength(arg)]), Buffer.from(arg)])
    )
  ])
}

interface CallOptions {
  readonly session?: string
  readonly seq?: number
  readonly remainingMs?: number
  readonly signal?: AbortSignal
}

const never = new AbortController().signal

function call(
  method: string,
  args: ReadonlyArray<number | string> = [],
  options: CallOptions = {}
): Promise<Uint8Array> {
  const { session, seq = 0, remainingMs = 10_000, signal = never } = options
  const header = {
    version: 1,
    revision: 1,
    className: 'Counter',
    method,
    seq,
    doneBelow: Math.min(seq, 1),
    remainingMs,
    caller: 'me'
  }
  return manager.call(session === undefined ? header : { ...header, session }, encode(...args), signal)
}

/** `[n, version]` of `get`, both small. */
async function state(): Promise<[number, number]> {
  const bytes = await call('get')
  const numbers = [...bytes.subarray(1)]
  if (numbers[0] === 0xcd) return [numbers[1]! * 256 + numbers[2]!, numbers[3]!]
  return numbers[0] === 0xcc ? [numbers[1]!, numbers[2]!] : [numbers[0]!, numbers[1]!]
}

async function up(entry = 'one'): Promise<void> {
  const result = await manager.switchHost(planOf(entry))
  expect(result).toMatchObject({ ok: true })
}

/** Calls without end until stopped; every error counts. */
function load(count: number): { stop(): Promise<{ added: number; errors: unknown[]; slowestMs: number }> } {
  let running = true
  const ownManager = manager
  let added = 0
  let slowestMs = 0
  const errors: unknown[] = []
  const loops = Array.from({ length: count }, async () => {
    while (running && ownManager === manager) {
      const startedAt = performance.now()
      try {
        await call('add', [1])
        added++
      } catch (error) {
        errors.push(error)
      }
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
      await new Promise(resolve => setImmediate(resolve))
    }
  })
  return {
    async stop() {
      running = false
      await Promise.all(loops)
      return { added, errors, slowestMs }
    }
  }
}

describe('switching hosts', () => {
  it('serves what the plan names, and reports every stage once', async () => {
    const stages: SwitchStage[] = []
    const result = await manager.switchHost(planOf('one'), { onStage: stage => stages.push(stage) })
    expect(result).toMatchObject({
      ok: true,
      meta: { current: 1 },
      facades: [{ role: 'object', className: 'Counter' }]
    })
    expect(stages).toEqual(['spawned', 'loaded', 'holding', 'opened', 'activated'])
    await call('add', [5])
    expect(await state()).toEqual([5, 1])
    expect(await manager.stats()).toMatchObject({ serving: true, calls: { total: 2 }, meta: { current: 1 } })
  })

  it('loses no call and fails none under load, there and to the next version', async () => {
    await up()
    const callers = load(8)
    expect(await manager.switchHost(planOf('again'))).toMatchObject({ ok: true, timings: { cut: 0 } })
    expect(await manager.switchHost(upgradePlan('two'))).toMatchObject({ ok: true, meta: { current: 2 } })
    const { added, errors } = await callers.stop()
    expect(errors).toEqual([])
    const [n, version] = await state()
    expect(version).toBe(2)
    expect(n).toBe(added)
    expect(exits).toEqual([])
  })

  it.each([
    ['throws at import', 'importThrows', 'BundleLoadFailed', /thrown at import/],
    ['exits at import', 'importExits', 'BundleLoadFailed', /exit code 7/],
    ['is no definition', 'nothing', 'BundleLoadFailed', /neither a class/]
  ])('leaves the running host alone when a module %s', async (_what, entry, code, sentence) => {
    await up()
    const { pid } = await manager.stats()
    const callers = load(2)
    const result = await manager.switchHost(planOf(entry, 2))
    expect(result).toMatchObject({ ok: false, restored: true, stage: 'spawned', error: { code } })
    expect(result.ok ? '' : result.error.message).toMatch(sentence)
    expect((await callers.stop()).errors).toEqual([])
    expect((await manager.stats()).pid).toBe(pid)
  })

  it.each([
    ['throws', 'throwing', 'TransformFailed'],
    ['hangs', 'hanging', 'TransformTimeout'],
    ['exits', 'exiting', 'TransformFailed']
  ])('serves the old version again when a transform %s', async (_what, entry, code) => {
    await up()
    await call('add', [7])
    const callers = load(2)
    const result = await manager.switchHost(upgradePlan(entry))
    expect(result).toMatchObject({
      ok: false,
      restored: true,
      stage: 'transforming',
      error: { code },
      meta: { current: 1 }
    })
    const { added, errors } = await callers.stop()
    expect(errors).toEqual([])
    expect(await state()).toEqual([7 + added, 1])
    expect(await manager.switchHost(upgradePlan('two'))).toMatchObject({ ok: true })
    expect(await state()).toEqual([7 + added, 2])
  })

  it('kills a transform that loops without end', async () => {
    manager = managerOf({ openMs: 500 })
    await up()
    await call('add', [7])
    const result = await manager.switchHost(upgradePlan('looping'))
    expect(result).toMatchObject({ ok: false, restored: true, error: { code: 'TransformTimeout' } })
    expect(await state()).toEqual([7, 1])
  })

  const stagesBeforeMeta: readonly SwitchStage[] = runsEverything
    ? ['spawned', 'loaded', 'holding', 'drained', 'closed', 'opened', 'transforming']
    : ['loaded', 'closed', 'transforming']
  it('gives a way back by code as much time as a transform', async () => {
    manager = managerOf({ openMs: 200 })
    const patient = { ...limits, transformMs: 30_000 }
    expect(await manager.switchHost({ ...upgradePlan('backSlowly'), limits: patient })).toMatchObject({ ok: true })
    const step = { ...refOf('backSlowly'), from: 2, to: 1, chainId: '0'.repeat(16), fromRevision: 1, toRevision: 1 }
    const back = planOf('one', 1, { goBack: 'transform', reverse: [step], limits: patient })
    expect(await manager.switchHost(back)).toMatchObject({ ok: true, meta: { current: 1 } })
  })

  it.each(stagesBeforeMeta)('restores the old host when the new one is killed at %s', async at => {
    await up()
    await call('add', [3])
    const old = (await manager.stats()).pid
    // Its transform does not end, so that it cannot have got past the stage at which it is killed.
    const result = await manager.switchHost(upgradePlan('hanging'), {
      onStage: stage => {
        if (stage === at) for (const pid of childrenNow()) if (pid !== old) process.kill(pid, 'SIGKILL')
      }
    })
    expect(result).toMatchObject({ ok: false, restored: true })
    expect(result.ok ? '' : result.error.message).toMatch(/SIGKILL/)
    expect(await state()).toEqual([3, 1])
  })

  it('goes on to the new version when its host dies after meta has moved', async () => {
    await up()
    await call('add', [3])
    const old = (await manager.stats()).pid
    const result = await manager.switchHost(upgradePlan('two'), {
      onStage: stage => {
        if (stage === 'transformed') for (const pid of childrenNow()) if (pid !== old) process.kill(pid, 'SIGKILL')
      }
    })
    if ((await manager.stats()).memory === undefined) await vi.waitFor(() => expect(exits).toHaveLength(1))
    expect(result).toMatchObject({ ok: true, meta: { current: 2 } })
    // Where its last message was on the way already, the switch had succeeded, and it is a host that crashed while serving.
    if (exits.length > 0) await manager.switchHost(upgradePlan('two'))
    expect(await state()).toEqual([3, 2])
  })

  it('stops at the next safe point when it is cancelled in the transform', async () => {
    await up()
    const cancel = new AbortController()
    const result = await manager.switchHost(upgradePlan('hanging'), {
      signal: cancel.signal,
      onStage: stage => {
        if (stage === 'transforming') cancel.abort()
      }
    })
    expect(result).toMatchObject({ ok: false, restored: true, error: { code: 'Stopped' } })
    expect(await state()).toEqual([0, 1])
  })

  it('kills an old host that does not end its calls, and says what is unknown', async () => {
    await up()
    const hung = call('hang').catch((error: unknown) => error)
    const spun = call('spin').catch((error: unknown) => error)
    expect(await manager.switchHost(planOf('again'))).toMatchObject({ ok: true })
    expect(await spun).toMatchObject({ code: 'Upgrading', detail: { executed: 'unknown' } })
    expect(await hung).toMatchObject({ code: 'Upgrading' })
    expect(await state()).toEqual([0, 1])
  })

  it('is a mistake of ours to ask for twice at a time', async () => {
    const first = manager.switchHost(planOf('one'))
    await expect(manager.switchHost(planOf('one'))).rejects.toThrow(/at most one/)
    await first
  })
})

describe('a host that ends by itself', () => {
  it('is reported with what it said, and its calls fail honestly', async () => {
    const ended = Promise.withResolvers<HostExit>()
    manager = managerOf({ onExit: exit => ended.resolve(exit) })
    await up()
    await expect(call('die')).rejects.toMatchObject({
      code: 'Upgrading',
      detail: { executed: 'unknown', retryAfterMs: expect.any(Number) as unknown }
    })
    const exit = await ended.promise
    expect(exit.code).toBe(70)
    expect(exit.reported).toMatch(/died as asked/)
    await expect(call('get')).rejects.toMatchObject({ code: 'Upgrading', detail: { executed: 'no' } })
    await up()
    expect(await state()).toEqual([0, 1])
  })

  it('does not fail a call in a session: the next host answers it, once', async () => {
    const ended = Promise.withResolvers<HostExit>()
    manager = managerOf({ onExit: exit => ended.resolve(exit) })
    await up()
    const answer = call('dieOnce', [join(folder, 'died')], { session: 'cd'.repeat(16), seq: 1 })
    await ended.promise
    await up()
    expect([...(await answer)]).toEqual([1])
    expect(await state()).toEqual([1, 1])
  })
})

describe('calls by the object', () => {
  it('reach the peer with the version of the façade that makes them', async () => {
    const asked: unknown[] = []
    manager = managerOf({
      outgoing: async ({ peer, className, version, method }) => {
        asked.push({ peer, className, version, method })
        return Buffer.from([7])
      }
    })
    await up()
    expect([...(await call('ask', ['another']))]).toEqual([7])
    expect(asked).toEqual([{ peer: 'another', className: 'Counter', version: 1, method: 'get' }])
  })
})

describe('held calls', () => {
  it('are refused beyond the bounds, with a time to retry', async () => {
    manager = managerOf({ queue: { callsMax: 2 } })
    const switching = manager.switchHost(planOf('one'))
    const answers = await Promise.allSettled([call('get'), call('get'), call('get')])
    await switching
    expect(answers.map(each => each.status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect((answers[2] as PromiseRejectedResult).reason).toMatchObject({
      code: 'Upgrading',
      detail: { executed: 'no', retryAfterMs: 250 }
    })
  })
})

describe('callers that are refused beyond the bounds', () => {
  it('come again by themselves when they were told to, and each of their commands runs once', async () => {
    manager = managerOf({ queue: { callsMax: 2, bytesMax: 10, ageMaxMs: 50 }, retryAfterMs: 20 })
    const counters = createRetryCounters()
    const switching = manager.switchHost(planOf('one'))
    const answers = Array.from({ length: 12 }, async () =>
      callWithRetry(
        ({ request, remainingMs }) => call('add', [1], { session: request!.session, seq: request!.seq, remainingMs }),
        { session: createSession(), deadlineMs: 30_000, counters }
      )
    )
    expect(await switching).toMatchObject({ ok: true })
    expect((await Promise.all(answers)).map(each => each[0]).sort((a, b) => a! - b!)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1)
    )
    expect(counters).toMatchObject({ calls: 12, answered: 12, failed: 0 })
    // Two are held, and let go again when they have been held for too long.
    expect(counters.byCode.Upgrading).toBeGreaterThanOrEqual(10)
    expect(await state()).toEqual([12, 1])
  })
})

describe('the end of the peer', () => {
  it.each(['get', 'spin'])(
    'ends its host when it is killed (while the host does %s), and the next one opens the state',
    async method => {
      const peer = fork(await peerScript(method), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      const hostPid = await new Promise<number>((resolve, reject) => {
        peer.once('message', resolve as (pid: unknown) => void)
        peer.once('exit', () => reject(new Error('the peer ended')))
      })
      peer.kill('SIGKILL')
      await up()
      expect(await state()).toEqual([4, 1])
      expect(await isRunning(hostPid)).toBe(false)
    }
  )
})

describe('a simulation object that fails', () => {
  it('is told of with its cause, now and at the next start, and costs the call nothing (P2)', async () => {
    const told: unknown[] = []
    manager = managerOf({ onSimulationFailed: ({ plan }, failed) => told.push([plan, failed]) })
    const plan = planOf('one', 1, { future: [{ ...refOf('shadowThrows'), revision: 2, model: 'shadowed' }] })
    expect(await manager.switchHost(plan)).toMatchObject({ ok: true })
    await call('add', [3])
    expect(await state()).toEqual([3, 1])
    const cause = 'the future simulation object of Counter (version 2) failed in $add: no shadow today'
    expect(told).toEqual([[plan.plan, { role: 'future', revision: 2, cause }]])
    const again = { ...plan, plan: plan.plan + 1, durability: 'disk' as const }
    plans++
    expect(await manager.switchHost(again)).toMatchObject({ ok: true, meta: { withdrawn: { future: { 2: cause } } } })
    expect(told.at(-1)).toEqual([again.plan, { role: 'future', revision: 2, cause }])
    const without = planOf('one')
    expect((await manager.switchHost(without)).meta?.withdrawn).toBeUndefined()
    expect(told).toHaveLength(2)
  })
})

describe('a rehearsal', () => {
  const tried = (...plans: HostPlan[]) =>
    rehearse({
      plans,
      modulePath,
      network,
      scratch: createScratchFolder(folder),
      log: pino({ level: 'silent' }),
      now: () => performance.now()
    })

  it('passes for code that can be introduced', async () => {
    expect(await tried(planOf('one'))).toMatchObject({ ok: true })
    expect(await tried(planOf('one'), upgradePlan('two'))).toMatchObject({ ok: true })
  })

  it('fails for an upgrade whose transform does', async () => {
    expect(await tried(planOf('one'), upgradePlan('throwing'))).toMatchObject({
      ok: false,
      error: { code: 'TransformFailed' }
    })
  })

  it.each([
    ['throws', 'importThrows', 'BundleLoadFailed'],
    ['exits', 'importExits', 'BundleLoadFailed'],
    ['loops', 'importLoops', 'HostStartTimeout'],
    ['floods memory', 'importFloods', 'BundleLoadFailed'],
    ['connects to somebody', 'importConnects', 'BundleLoadFailed'],
    ['reads what is not its own', 'importReads', 'BundleLoadFailed']
  ])('fails for a module that %s', async (_what, entry, code) => {
    const plan = planOf(entry, 2, { limits: { ...limits, loadMs: entry === 'importLoops' ? 1_000 : 5_000 } })
    expect(await tried(plan)).toMatchObject({ ok: false, error: { code } })
  })
})

/** The processes that this one has forked and that still run. */
function childrenNow(): number[] {
  const handles = (
    process as unknown as { _getActiveHandles(): { pid?: number; connected?: boolean }[] }
  )._getActiveHandles()
  return handles.flatMap(each => (typeof each.pid === 'number' && each.connected === true ? [each.pid] : []))
}

/** A zombie, which nobody has waited for yet, runs no more. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State: gone')
  return !/State:\s*(Z|gone)/.test(status)
}

/** A peer that starts a host, adds 4, makes it busy, and tells its pid. */
async function peerScript(method: string): Promise<string> {
  const path = join(folder, 'peer.mjs')
  const built = (name: string): string =>
    JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../dist/host', name)).href)
  await writeFile(
    path,
    `import { createHostManager } from ${built('create-host-manager.js')}
    const log = { info () {}, warn () {}, error () {}, child: () => log }
    const manager = createHostManager({
      stateDirectory: ${JSON.stringify(join(folder, 'state'))},
      modulePath: ref => ${JSON.stringify(join(folder, 'modules'))} + '/' + ref.entry + '.mjs',
      network: ${JSON.stringify(network)}, outgoing: async () => { throw new Error() }, log, now: () => performance.now(), onExit () {}
    })
    const header = { version: 1, revision: 1, className: 'Counter', seq: 0, doneBelow: 0, remainingMs: 10_000, caller: 'me' }
    const call = (method, ...args) => manager.call({ ...header, method }, Buffer.from([0x90 + args.length, ...args]), new AbortController().signal)
    await manager.switchHost(${JSON.stringify(planOf('one'))})
    await call('add', 4)
    call(${JSON.stringify(method)}).catch(() => {})
    if (${JSON.stringify(method)} === 'spin') await new Promise(resolve => setTimeout(resolve, 50))
    process.send((await manager.stats()).pid)`
  )
  return path
}
