import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CodeRef, HostPlan } from '@instar/core'
import { encodeValue } from '@instar/simulator-runtime/codec'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runsEverything } from '../../../../test/fixtures/selection.js'
import type { Fault } from './fault-record.js'
import { createHostManager } from './create-host-manager.js'
import type { HostExit, HostManager } from './host-manager.js'

/** Real processes whose code takes the main thread or the memory and does not give it back. */
const module = `
const any = { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } }
const query = { kind: 'query', input: any, output: any }
const command = { kind: 'command', input: any, output: any }
const methods = { add: command, get: query, spin: query, spinLater: query, spinCommand: command, wait: query, fillHeap: query, fillBuffers: query }
const contract = { name: 'Counter', methods }
class Counter {
  constructor (ctx) { this.ctx = ctx }
  async get () { return await this.ctx.state.get('n') ?? 0 }
  async add (by) { const n = await this.get() + by; await this.ctx.state.put('n', n); return n }
  spin () { while (true); }
  async spinLater () { await this.ctx.state.get('n'); const forever = () => { while (true); }; return forever() }
  async spinCommand () { await this.ctx.state.put('n', 99); while (true); }
  wait (path) { return new Promise(() => {}) }
  fillHeap () { const all = []; while (true) all.push({ n: all.length }) }
  fillBuffers () { const all = []; while (true) all.push(Buffer.alloc(4 * 1024 * 1024, 1)) }
}
// As bundles have it: of the name in the source the bundler has made something shorter.
class e extends Counter {
  static { Object.defineProperty(this, 'name', { value: 'FutureCounter' }) }
  constructor (ctx) { super(ctx) }
  get () { return this.ctx.delegate.get() }
  $add () { while (globalThis.process.env.NODE_ENV !== 'never'); }
  $spinCommand () { return [] }
}
const current = { instar: 'class', format: 1, contract, implementation: Counter }
export default current
export const upgrade = { instar: 'upgrade', format: 1, from: contract, to: { ...current }, future: { model: 'shadowed', implementation: e, disallow: {} } }
`

let folder: string
let manager: HostManager
let exits: HostExit[]
let faults: Array<Omit<Fault, 'count' | 'lastWallMs'>>
let plans = 0

const refOf = (entry: string): CodeRef => ({ bundle: 'b'.repeat(64), entry })
const planOf = (change: Partial<HostPlan> = {}): HostPlan => ({
  format: 1,
  plan: ++plans,
  className: 'Counter',
  object: { ...refOf('counter'), version: 1, chainId: '0'.repeat(16), revision: 1 },
  past: [],
  future: [],
  steps: [],
  goBack: undefined,
  durability: 'os',
  limits: { loadMs: 10_000, drainMs: 300, transformMs: 500, heapMiB: 64 },
  ...change
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'instar-watch-'))
  await mkdir(join(folder, 'modules'))
  await writeFile(join(folder, 'modules', 'counter.mjs'), module)
  await writeFile(join(folder, 'modules', 'upgrade.mjs'), `export { upgrade as default } from './counter.mjs'`)
  exits = []
  faults = []
})
afterEach(async () => {
  await manager.stop()
  await rm(folder, { recursive: true, force: true })
})

async function start(change: Partial<HostPlan> = {}, watch = { stallMs: 1000, memoryMiB: 400 }): Promise<void> {
  manager = createHostManager({
    stateDirectory: join(folder, 'state'),
    modulePath: ({ entry }) => join(folder, 'modules', `${entry}.mjs`),
    network: 'ab'.repeat(32),
    outgoing: () => Promise.reject(new Error('nobody is called')),
    log: pino({ level: 'silent' }),
    now: () => performance.now(),
    watch,
    onFault: fault => faults.push(fault),
    onExit: exit => exits.push(exit)
  })
  expect(await manager.switchHost(planOf(change))).toMatchObject({ ok: true })
}

const never = new AbortController().signal

function call(method: string, args: readonly unknown[] = [], remainingMs = 30_000, session?: string) {
  const header = {
    version: 1,
    revision: 1,
    className: 'Counter',
    method,
    seq: 0,
    doneBelow: 0,
    remainingMs,
    caller: 'me'
  }
  const whole = session === undefined ? header : { ...header, session, seq: 1, doneBelow: 1 }
  return manager.call(whole, encodeValue(args), never).then(
    () => 'answered',
    (error: unknown) => error
  )
}

describe('a host whose code never gives the main thread back', () => {
  it.each(runsEverything ? ['spin', 'spinLater', 'spinCommand'] : ['spinCommand'])(
    'is killed; callers of %s learn it, others run on the next host',
    async method => {
      await start()
      await call('add', [1])
      const waiting = call('wait', [], 30_000, 'cd'.repeat(16))
      const looping = call(method)
      expect(await looping).toMatchObject({
        code: 'OutOfContract',
        message: expect.stringMatching(
          new RegExp(
            `^Counter.${method} brought its host down: its event loop stood still for 1\\d\\d\\d ms, so it was killed, while Counter version 1, ${method} ran$`
          )
        ) as string,
        detail: { executed: 'unknown' }
      })
      expect(exits).toMatchObject([{ ending: { kind: 'stalled', blame: { revision: 1, role: 'object', method } } }])
      expect(faults).toMatchObject([{ className: 'Counter', revision: 1, method, kind: 'HostStalled' }])

      expect(await manager.switchHost(planOf())).toMatchObject({ ok: true })
      expect(await call('add', [1])).toBe('answered')
      // Once more would cost the others a host again.
      expect(await call(method)).toMatchObject({
        code: 'OutOfContract',
        message: expect.stringMatching(/is refused for \d+ s: the last call of Counter version 1/) as string,
        detail: { executed: 'no' }
      })
      expect(exits).toHaveLength(1)
      await manager.stop()
      expect(await waiting).toMatchObject({ code: 'Upgrading' })
    }
  )

  it('is found out also when the caller has long given up', async () => {
    await start()
    expect(await call('spin', [], 50)).toMatchObject({ code: 'DeadlineExceeded', detail: { executed: 'unknown' } })
    await expect.poll(() => exits, { timeout: 10_000 }).toHaveLength(1)
    expect(faults).toMatchObject([
      { method: 'spin', kind: 'DeadlineExceeded', cause: 'it did not answer within 50 ms' },
      { method: 'spin', kind: 'HostStalled' }
    ])
  })

  it('names the shadow that looped, and not the call that it was cast for', async () => {
    await start({ future: [{ ...refOf('upgrade'), revision: 2, model: 'shadowed' }] })
    expect(await call('add', [1])).toMatchObject({ code: 'Upgrading', detail: { executed: 'unknown' } })
    expect(exits).toMatchObject([
      { ending: { kind: 'stalled', blame: { className: 'Counter', revision: 2, role: 'future', method: '$add' } } }
    ])
    expect(faults).toMatchObject([{ revision: 2, role: 'future', method: '$add', kind: 'HostStalled' }])
  })

  it('is left alone while it only waits', async () => {
    await start({}, { stallMs: 300, memoryMiB: 400 })
    expect(await call('wait', [], 1000)).toMatchObject({ code: 'DeadlineExceeded' })
    expect(exits).toEqual([])
    expect(faults).toMatchObject([{ method: 'wait', kind: 'DeadlineExceeded' }])
  })
})

describe('a host whose code floods memory', () => {
  it.each([
    ['fillHeap', /ran out of memory \(a heap of 64 MiB\), while Counter version 1, fillHeap ran$/],
    [
      'fillBuffers',
      /used \d+ MiB of memory, more than the 400 MiB that it may, so it was killed, while Counter version 1, fillBuffers ran$/
    ]
  ])('ends, and callers of %s learn why', async (method, sentence) => {
    // Filling memory takes its time on a busy machine, and is a loop too.
    await start({}, { stallMs: 120_000, memoryMiB: 400 })
    expect(await call(method)).toMatchObject({
      code: 'OutOfContract',
      message: expect.stringMatching(sentence) as string
    })
    expect(faults).toMatchObject([{ className: 'Counter', revision: 1, method, kind: 'OutOfMemory' }])
    expect(await manager.switchHost(planOf())).toMatchObject({ ok: true })
    expect(await call('get')).toBe('answered')
  })
})
