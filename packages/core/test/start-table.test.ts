import { describe, expect, it } from 'vitest'
import {
  createPeerState,
  defaultPolicy,
  defaultTiming,
  step,
  type JournalEntry,
  type PeerState,
  type Phase,
  type VersionRef
} from '../src/index.js'
import { versions } from './descriptors.js'

const log = versions(2)
const now = { wallMs: Date.parse('2026-01-01T00:00:00.000Z'), monoMs: 0 }

function journalWith(phase: Phase | undefined, running: number): JournalEntry[] {
  const entries: JournalEntry[] = [
    { type: 'joined', lineage: { since: 1, className: 'Counter1' }, version: 1, chainId: log[0]!.chainId.slice(0, 16) }
  ]
  const chainId = log[1]!.chainId.slice(0, 16)
  entries.push({ type: 'began' })
  if (running === 2) entries.push({ type: 'running', version: 2, chainId })
  if (phase !== undefined) entries.push({ type: 'phase', version: 2, chainId, phase })
  return entries
}

/** The state after the first input of a boot; trust is stale, so that nothing else begins. */
function boot(entries: readonly JournalEntry[], version: number | VersionRef | undefined): PeerState {
  const found = typeof version === 'number' ? { version, chainId: log[version - 1]!.chainId.slice(0, 16) } : version
  let state = createPeerState({
    peer: 'p',
    className: 'Counter1',
    groups: [],
    instar: '0.0.0',
    alone: true,
    timing: defaultTiming,
    policy: defaultPolicy,
    archive: false
  })
  for (const { descriptor } of log) state = step(state, { fact: 'versionTrusted', descriptor, now }).state
  return step(state, {
    fact: 'start',
    epoch: 2,
    entries,
    found,
    bundles: log.map(each => each.descriptor.classes[0]!.bundle),
    now
  }).state
}

function outcome(state: PeerState): string {
  if (state.damage !== undefined) return 'damaged'
  return `runs ${state.running}, 2 is ${state.versions.get(2)?.phase ?? 'unknown'}`
}

// Every phase of version 2 that a journal can end with, against what the state database says (the table in src/lifecycle/start.ts).
const table: ReadonlyArray<[journal: Phase | undefined, running: number, old: string, moved: string]> = [
  [undefined, 1, 'runs 1, 2 is rehearsing', 'damaged'],
  ['known', 1, 'runs 1, 2 is rehearsing', 'damaged'],
  ['introducing', 1, 'runs 1, 2 is introducing', 'damaged'],
  ['introduced', 1, 'runs 1, 2 is waiting', 'damaged'],
  ['preparing', 1, 'runs 1, 2 is waiting', 'runs 2, 2 is trial'],
  ['draining', 1, 'runs 1, 2 is waiting', 'runs 2, 2 is trial'],
  ['transforming', 1, 'runs 1, 2 is waiting', 'runs 2, 2 is trial'],
  ['activating', 1, 'runs 1, 2 is waiting', 'runs 2, 2 is trial'],
  ['trial', 2, 'damaged', 'runs 2, 2 is trial'],
  ['committed', 2, 'damaged', 'runs 2, 2 is committed'],
  ['goingBack', 2, 'runs 1, 2 is wentBack', 'runs 2, 2 is goingBack'],
  ['wentBack', 1, 'runs 1, 2 is wentBack', 'damaged'],
  ['introduceFailed', 1, 'runs 1, 2 is introduceFailed', 'damaged'],
  ['failed', 1, 'runs 1, 2 is failed', 'damaged'],
  ['withdrawn', 1, 'runs 1, 2 is withdrawn', 'damaged'],
  // Whether it is stopped still is what the trust documents say at the start, and here they say nothing.
  ['halted', 1, 'runs 1, 2 is rehearsing', 'damaged'],
  ['frozen', 1, 'runs 1, 2 is rehearsing', 'damaged'],
  ['superseded', 1, 'runs 1, 2 is rehearsing', 'damaged'],
  ['diverged', 2, 'damaged', 'runs 2, 2 is committed']
]

describe.each(table)('a start whose journal ends with version 2 %s (running %i)', (phase, running, old, moved) => {
  const entries = journalWith(phase, running)

  it(`on the state of version 1: ${old}`, () => {
    expect(outcome(boot(entries, 1))).toBe(old)
  })

  it(`on the state of version 2: ${moved}`, () => {
    expect(outcome(boot(entries, 2))).toBe(moved)
  })

  it('on no state is refused: it was lost', () => {
    expect(boot(entries, undefined).damage).toContain('the state directory is empty')
  })
})

it('a start with a state and no journal is refused: nothing says whose state it is', () => {
  expect(boot([], 1).damage).toContain('the journal does not know it')
})

it('a start with neither begins at version 1', () => {
  expect(outcome(boot([], undefined))).toBe('runs 1, 2 is rehearsing')
})

it('a first start that died before it had a state begins again', () => {
  const [joined] = journalWith(undefined, 1)
  expect(outcome(boot([joined!], undefined))).toBe('runs 1, 2 is rehearsing')
})

it('a state of another history is refused, whatever its number (R20)', () => {
  const began = journalWith(undefined, 1)
  const other = { version: 1, chainId: 'f'.repeat(16) }
  expect(boot(began, other).damage).toContain('another history')
})

it('a torn write that kept the arrival and lost the phase that follows leaves the version on trial', () => {
  const chainId = log[1]!.chainId.slice(0, 16)
  const torn = [...journalWith('activating', 1), { type: 'running', version: 2, chainId } as const]
  expect(outcome(boot(torn, 2))).toBe('runs 2, 2 is trial')
})
