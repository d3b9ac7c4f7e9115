import { appendVersion, type ClassUpgrade, type VersionLog } from '@instar/core'
import { describe, expect, it } from 'vitest'
import { modulesOf, onFromEverywhere, supersededBy, type BuiltStart } from './superseding.js'

const network = '0'.repeat(64)
const at = '2030-01-01T00:00:00.000Z'

function upgradeOf(oldClass: string | undefined, newClass: string, bundle: string): ClassUpgrade {
  return {
    ...(oldClass === undefined ? {} : { oldClass }),
    newClass,
    bundle: bundle.repeat(64).slice(0, 64),
    entry: 'a.mjs',
    compatible: false,
    transform: 'none',
    state: 'managed',
    durability: 'os',
    back: 'none',
    schedule: { strategy: { type: 'eager' }, deadline: at, deadlineSpreadMs: 0 },
    probationMs: 0,
    stableMs: 0,
    retirement: { quietMs: 0 }
  }
}

/** Set changes in versions 2 and 3, and Queue in version 2 only. */
const log = [
  [upgradeOf(undefined, 'Set', 'a'), upgradeOf(undefined, 'Queue', 'b')],
  [upgradeOf('Set', 'Set', 'c'), upgradeOf('Queue', 'Queue', 'd')],
  [upgradeOf('Set', 'Set', 'e')]
].reduce<VersionLog>(
  (before, classes, i) =>
    appendVersion(before, {
      ...{ format: 1, network, version: i + 1, previous: before.at(-1)?.chainId ?? network },
      ...{ title: 'one', notes: '', createdAt: at, runtime: '>=0.0.0', supersedes: [], classes }
    }),
  []
)

const init = (supersedes: number, from: ReadonlyArray<{ version: number; entry: string }> = []) =>
  ({ entries: ['mend.ts'], supersedes, from }) as const
const built = (name: string, starts: readonly (number | undefined)[]): BuiltStart[] =>
  starts.map(from => ({
    ...(from === undefined ? {} : { from }),
    entry: 'mend.ts',
    known: new Map(),
    built: {} as BuiltStart['built'],
    change: { fields: { oldClass: name, newClass: name } } as BuiltStart['change']
  }))

describe('a version that supersedes others', () => {
  it('takes them all, down to the lowest', () => {
    expect(supersededBy(init(2), 4)).toEqual([3, 2])
    expect(supersededBy({}, 4)).toEqual([])
  })

  it('has modules for the newest version and for earlier ones, each with the classes that are there', () => {
    const modules = modulesOf(init(3, [{ version: 2, entry: 'from-2.ts' }]), log)
    expect(modules.map(({ entry, from }) => [entry, from])).toEqual([
      ['mend.ts', undefined],
      ['from-2.ts', 2]
    ])
    expect(modules[1]?.known.get('Set')?.bundle).toBe('c'.repeat(64))
  })

  it.each([
    [init(1), 'its first one cannot be superseded'],
    [init(4), 'There is no version 4 to supersede'],
    [init(3, [{ version: 1, entry: 'a' }]), 'Nobody goes on from version 1'],
    [init(3, [{ version: 3, entry: 'a' }]), 'are named without --from'],
    [{ ...init(3, [{ version: 2, entry: 'a' }]), supersedes: undefined }, 'say with --supersedes']
  ])('says what cannot be: %#', (asked, words) => {
    expect(() => modulesOf(asked, log)).toThrow(words)
  })

  it('is reached from everywhere, by the same module where the class was left alone', () => {
    const starts = (all: readonly BuiltStart[]) => all.map(each => each.from)
    expect(starts(onFromEverywhere(built('Queue', [undefined]), log, 2))).toEqual([undefined, 2])
    expect(() => onFromEverywhere(built('Queue', [undefined]), log, 1)).toThrow('from version 1')
    expect(() => onFromEverywhere(built('Set', [undefined]), log, 2)).toThrow('--from 2=<module>')
    expect(starts(onFromEverywhere(built('Set', [undefined, 2]), log, 2))).toEqual([undefined, 2])
  })
})
