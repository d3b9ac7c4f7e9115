import type { HostPlan, SimulationPlan } from '@instar/core'
import type { FacadeDescription } from '@instar/simulator-runtime/host'
import { describe, expect, it } from 'vitest'
import { judge } from './host-ending.js'
import type { ProcessExit } from './process-exit.js'

const code = { bundle: 'b'.repeat(64), entry: 'code.mjs' }
const simulation = (revision: number): SimulationPlan => ({ ...code, revision, model: 'direct' })
const limits = { loadMs: 1, drainMs: 1, transformMs: 1, heapMiB: 1 }

const planOf = (object: number, over: Partial<HostPlan> = {}): HostPlan => ({
  format: 1,
  plan: 1,
  className: 'Counter',
  object: { ...code, version: object, chainId: '0'.repeat(16), revision: object },
  past: [],
  future: [],
  steps: [],
  goBack: undefined,
  durability: 'os',
  limits,
  ...over
})
const facade = (revision: number, role: FacadeDescription['role']): FacadeDescription => ({
  revision,
  role,
  className: 'Counter',
  implementation: '',
  methods: [{ name: 'add', kind: 'command' }]
})
const running = (revision: number) => [{ className: 'Counter', revision, method: 'add' }]

const exited: ProcessExit = { code: 9, signal: null, lastStderr: '', uptimeMs: 1 }
const stalled: ProcessExit = {
  ...exited,
  code: null,
  signal: 'SIGKILL',
  watch: { type: 'stalled', silentMs: 3000, frames: [] }
}

describe('a process that exited while one method was called', () => {
  const before = [facade(1, 'object'), facade(2, 'future')]
  const after = [facade(2, 'object'), facade(1, 'past')]

  it('was ended by it where nothing else is there', () => {
    expect(judge(exited, planOf(1), [facade(1, 'object')], running(1)).blame).toMatchObject({ revision: 1 })
  })

  it('was ended by it where it is of the newest code', () => {
    const plan = planOf(1, { future: [simulation(2)] })
    expect(judge(exited, plan, before, running(2)).blame).toMatchObject({ revision: 2, role: 'future' })
  })

  it('may have been ended by what is newer than the object: nobody knows (P2)', () => {
    const plan = planOf(1, { future: [simulation(2)] })
    expect(judge(exited, plan, before, running(1))).toMatchObject({ kind: 'crashed', blame: undefined })
  })

  it('may have been ended by the object behind a past simulation object', () => {
    const plan = planOf(2, { past: [simulation(1)] })
    expect(judge(exited, plan, after, running(1))).toMatchObject({ kind: 'crashed', blame: undefined })
  })
})

it('a process that stood still did so in the one method that was called', () => {
  const plan = planOf(1, { future: [simulation(2)] })
  const facades = [facade(1, 'object'), facade(2, 'future')]
  expect(judge(stalled, plan, facades, running(1)).blame).toMatchObject({ revision: 1, role: 'object' })
})
