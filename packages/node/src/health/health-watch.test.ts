import {
  appendVersion,
  createPeerState,
  defaultTiming,
  findLineage,
  type CallErrorCode,
  type ClassUpgrade,
  type Descriptor,
  type Fact,
  type PeerState,
  type VersionProgress
} from '@instar/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { HostCallHeader } from '../host/host-port.js'
import { createHealthWatch, type HealthWatch } from './health-watch.js'

const network = 'ab'.repeat(32)

function upgradeTo(version: number): ClassUpgrade {
  return {
    ...(version === 1 ? {} : { oldClass: 'Counter' }),
    newClass: 'Counter',
    bundle: network,
    entry: 'index.js',
    compatible: false,
    transform: 'none',
    state: 'managed',
    durability: 'os',
    back: 'none',
    schedule: { strategy: { type: 'eager' }, deadline: '2100-01-01T00:00:00.000Z', deadlineSpreadMs: 0 },
    probationMs: 0,
    stableMs: 0,
    health: { waitMs: version === 3 ? 5000 : 0 },
    retirement: { quietMs: 0 }
  }
}

function stateOfNetwork(): PeerState {
  const config = { peer: 'me', className: undefined, groups: [], instar: '0.0.0', alone: true, timing: defaultTiming }
  const state = createPeerState(config as unknown as PeerState['config'])
  for (const version of [1, 2, 3]) {
    const descriptor = {
      format: 1,
      network,
      version,
      previous: state.log.at(-1)?.chainId ?? network,
      title: '',
      notes: '',
      createdAt: '2026-01-01T00:00:00.000Z',
      runtime: '>=0.0.0',
      supersedes: [],
      classes: [upgradeTo(version)]
    } as Descriptor
    state.log = appendVersion(state.log, descriptor)
  }
  state.lineage = findLineage(state.log, 'Counter', 1)
  state.running = 1
  return state
}

type Health = Extract<Fact, { fact: 'health' }>

let state: PeerState
let told: Health[]
let watch: HealthWatch
beforeEach(() => {
  vi.useFakeTimers()
  state = stateOfNetwork()
  told = []
  watch = createHealthWatch({
    state: () => state,
    input: fact => void told.push(fact as Health),
    now: () => Date.now()
  })
  watch.changed()
})
afterEach(() => {
  watch.stop()
  vi.useRealTimers()
})

function runs(version: number, trial: { round: number } | undefined): void {
  state.running = version
  state.versions.set(version, { version, phase: 'trial', trial } as unknown as VersionProgress)
  watch.changed()
}

const headerOf = (change: Partial<HostCallHeader>): HostCallHeader => ({
  version: 1,
  revision: 1,
  className: 'Counter',
  method: 'add',
  seq: 0,
  doneBelow: 0,
  remainingMs: 1000,
  caller: 'a',
  ...change
})

function call(change: Partial<HostCallHeader> = {}, code?: CallErrorCode): void {
  const account = watch.accountOf(headerOf(change))
  if (account !== undefined) watch.answered(account, code)
}

describe('the watch over a trial', () => {
  it('tells what was before, and then what its callers meet with', () => {
    for (let i = 0; i < 9; i++) call()
    call({}, 'OutOfContract')
    runs(2, { round: 0 })
    vi.advanceTimersByTime(0)
    expect(told).toMatchObject([{ version: 2, figures: { calls: 0 }, before: { calls: 10, errors: 1 } }])
    call({ revision: 2 })
    call({ revision: 1, caller: 'b' }, 'OutOfContract')
    vi.advanceTimersByTime(100)
    expect(told[1]).toMatchObject({
      round: 0,
      answered: 1,
      figures: { calls: 2, errors: 1, callers: 2, failing: [{ caller: 'b', calls: 1, errors: 1 }] },
      before: { calls: 10 }
    })
    vi.advanceTimersByTime(60_000)
    expect(told).toHaveLength(2)
  })

  it('is quiet while nothing is on trial', () => {
    call({}, 'OutOfContract')
    vi.advanceTimersByTime(60_000)
    expect(told).toEqual([])
  })

  it('counts faults of the class, and as calls only what it answered (§15)', () => {
    runs(2, { round: 0 })
    const answered: CallErrorCode[] = ['OutOfContract', 'OutgoingCallInCommand', 'Failed']
    const nothing: CallErrorCode[] = ['InvalidInput', 'Disallowed', 'NotAdmitted', 'DeadlineExceeded', 'UnknownMethod']
    for (const code of [...answered, ...nothing, 'Upgrading', 'Busy'] as CallErrorCode[]) call({}, code)
    vi.advanceTimersByTime(1000)
    expect(told.at(-1)).toMatchObject({ answered: 1, figures: { calls: 3, errors: 2 } })
  })

  it('counts no probe, and no simulation object ahead of the object', () => {
    runs(2, { round: 0 })
    expect(watch.accountOf(headerOf({ revision: 2, isProbe: true }))).toBeUndefined()
    expect(watch.accountOf(headerOf({ revision: 3 }))).toBeUndefined()
    expect(watch.accountOf(headerOf({ revision: 2 }))).toBeDefined()
  })

  it('counts an answer for the version that was given the call', () => {
    const account = watch.accountOf(headerOf({}))
    runs(2, { round: 0 })
    watch.answered(account!, 'OutOfContract')
    vi.advanceTimersByTime(1000)
    expect(told.at(-1)).toMatchObject({ figures: { calls: 0, errors: 0 } })
  })

  it('begins anew with a round, keeps what was before, and has nothing before after a start on trial', () => {
    call()
    runs(2, { round: 0 })
    call({}, 'OutOfContract')
    runs(2, { round: 1 })
    vi.advanceTimersByTime(1000)
    expect(told.at(-1)).toMatchObject({ round: 1, figures: { calls: 0 }, before: { calls: 1 } })
    watch.stop()
    watch = createHealthWatch({
      state: () => state,
      input: fact => void told.push(fact as Health),
      now: () => Date.now()
    })
    watch.changed()
    vi.advanceTimersByTime(1000)
    expect(told.at(-1)).not.toHaveProperty('before')
  })

  it('waits before it counts where the policy says so', () => {
    runs(3, { round: 0 })
    call({}, 'OutOfContract')
    vi.advanceTimersByTime(5000)
    call()
    vi.advanceTimersByTime(1000)
    expect(told.at(-1)).toMatchObject({ figures: { calls: 1, errors: 0 } })
  })
})
