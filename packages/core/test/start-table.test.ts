import { describe, expect, it } from 'vitest'
import {
  createPeerState,
  defaultPolicy,
  defaultTiming,
  step,
  type FoundState,
  type JournalEntry,
  type PeerState,
  type Phase,
  type VersionLog,
  type VersionRef
} from '../src/index.js'
import { versions } from './descriptors.js'

const log = versions(2)
const walked = versions(3)
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

function refOf(versions: VersionLog, version: number): VersionRef {
  return { version, chainId: versions[version - 1]!.chainId.slice(0, 16) }
}

/** The state after the first input of a boot; trust is stale, so that nothing else begins. */
function boot(
  entries: readonly JournalEntry[],
  version: number | FoundState | undefined,
  known: VersionLog = log
): PeerState {
  const found = typeof version === 'number' ? { version, chainId: known[version - 1]!.chainId.slice(0, 16) } : version
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
  for (const { descriptor } of known) state = step(state, { fact: 'versionTrusted', descriptor, now }).state
  return step(state, {
    fact: 'start',
    epoch: 2,
    entries,
    found,
    bundles: known.map(each => each.descriptor.classes[0]!.bundle),
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

// An operator's restore (§8) as the last record, behind every one of these. Where `meta` names the version that was to be restored, it has
// taken place, and otherwise the record changes nothing. Restoring an older state of the version that runs leaves no trace in `meta`'s number:
// it counts as done, which holds the peer, and loses nothing that the operator had not agreed to lose.
describe.each(table)(
  'a restore that was written down when version 2 was %s (running %i)',
  (phase, running, old, moved) => {
    const restoring = (version: number): JournalEntry[] => [
      ...journalWith(phase, running),
      { type: 'restore', ...refOf(log, version), atMs: 0 }
    ]
    const held = (state: PeerState): string => `${outcome(state)}${state.policy.hold === true ? ', held' : ''}`

    it.each([
      [1, 1, 'runs 1, 2 is rehearsing, held'],
      [1, 2, moved],
      [2, 1, old],
      [2, 2, 'runs 2, 2 is committed, held']
    ])('of version %i, on the state of version %i: %s', (to, found, expected) => {
      const state = boot(restoring(to), found)
      expect(held(state)).toBe(expected)
      if (to !== found || state.damage !== undefined) return
      expect(state.lowest).toBe(to)
      // What runs is written down again, and ends it: the next start knows nothing of a restore.
      expect(state.restoring).toBeUndefined()
    })

    it('is refused without a state', () => {
      expect(boot(restoring(1), undefined).damage).toContain('the state directory is empty')
    })
  }
)

it('a restore that has ended is not carried out again when its version comes back', () => {
  const [one, two] = [refOf(log, 1), refOf(log, 2)]
  const ended: JournalEntry[] = [
    ...[...journalWith('committed', 2), { type: 'restore', ...one, atMs: 0 } as const],
    ...[{ type: 'running', ...one } as const, { type: 'phase', ...two, phase: 'known' } as const]
  ]
  expect(boot(ended, 1).policy.hold).toBeUndefined()
})

// The same for a walk from version 1 to 3 (§14): `meta` names version 1 until the last step, and beside it how far the steps on disk are.
const walks: ReadonlyArray<[journal: Phase | undefined, running: number, old: string, halfway: string, moved: string]> =
  [
    [undefined, 1, 'runs 1, 3 is known', 'runs 1, 3 is known', 'damaged'],
    ['known', 1, 'runs 1, 3 is known', 'runs 1, 3 is known', 'damaged'],
    ['waiting', 1, 'runs 1, 3 is waiting', 'runs 1, 3 is waiting', 'damaged'],
    ['preparing', 1, 'runs 1, 3 is known', 'runs 1, 3 is preparing, walks on', 'runs 3, 3 is trial, walks on'],
    ['draining', 1, 'runs 1, 3 is known', 'runs 1, 3 is draining, walks on', 'runs 3, 3 is trial, walks on'],
    ['transforming', 1, 'runs 1, 3 is known', 'runs 1, 3 is transforming, walks on', 'runs 3, 3 is trial, walks on'],
    ['activating', 1, 'runs 1, 3 is known', 'runs 1, 3 is activating, walks on', 'runs 3, 3 is trial, walks on'],
    ['trial', 3, 'damaged', 'damaged', 'runs 3, 3 is trial, walks on'],
    ['committed', 3, 'damaged', 'damaged', 'runs 3, 3 is committed'],
    ['goingBack', 3, 'runs 1, 3 is wentBack', 'runs 1, 3 is wentBack', 'runs 3, 3 is goingBack, walks on'],
    ['wentBack', 1, 'runs 1, 3 is wentBack', 'runs 1, 3 is wentBack', 'damaged'],
    ['failed', 1, 'runs 1, 3 is failed', 'runs 1, 3 is failed', 'damaged'],
    ['halted', 1, 'runs 1, 3 is known', 'runs 1, 3 is known', 'damaged'],
    ['frozen', 1, 'runs 1, 3 is known', 'runs 1, 3 is known', 'damaged'],
    ['superseded', 1, 'runs 1, 3 is known', 'runs 1, 3 is known', 'damaged']
  ]

describe.each(walks)(
  'a start behind a walk to version 3, which is %s (running %i)',
  (phase, running, old, half, moved) => {
    const last = refOf(walked, 3)
    const [joined, began] = journalWith(undefined, 1)
    const entries: JournalEntry[] = [
      ...[
        { ...joined, chainId: refOf(walked, 1).chainId } as JournalEntry,
        began!,
        { type: 'walk', from: 1, ...last } as const
      ],
      ...(running === 3 ? [{ type: 'running', ...last } as const] : []),
      ...(phase === undefined ? [] : [{ type: 'phase', ...last, phase } as const])
    ]
    /** A walk lasts until its version is committed or given up; going back from it leads to where it began. */
    const end = (found: FoundState | number | undefined): string => {
      const { damage, running, versions, walk } = boot(entries, found, walked)
      if (damage !== undefined) return 'damaged'
      const walks = walk?.isBegun === true && walk.from === 1 && walk.to === 3 ? ', walks on' : ''
      return `runs ${running}, 3 is ${versions.get(3)?.phase ?? 'unknown'}${walks}`
    }

    it(`on the state of version 1, no step on disk: ${old}`, () => {
      expect(end(1)).toBe(old)
    })

    it(`on the state of version 1, with version 2 on disk: ${half}`, () => {
      expect(end({ ...refOf(walked, 1), walkedTo: 2 })).toBe(half)
    })

    it(`on the state of version 3: ${moved}`, () => {
      expect(end(3)).toBe(moved)
    })

    it('on a state of the version between, or on none, is refused: no walk ever ends there', () => {
      expect([end(2), end(undefined)]).toEqual(['damaged', 'damaged'])
    })
  }
)

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
