import type { ClassDefinition, UpgradeDefinition } from '@instar/simulator-runtime'
import { createTestObject, type TestObject } from '@instar/simulator-runtime/testing'
import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Versions = readonly [ClassDefinition, ...UpgradeDefinition[]]

/** The reference pair of an upgrade (R9) on one state that knows everything: what each call at each version must answer. */
export interface Reference {
  /** `'Failed'` for a failure that the contract foresees. */
  call(version: number, method: string, args: readonly unknown[]): unknown
  /** What only this version could see is dropped: it was withdrawn before the object became it (R22). */
  withdraw(version: number): void
}

export interface Example {
  readonly versions: Versions
  readonly reference: () => Reference
  /** A command of a version. */
  readonly commands: (version: number) => fc.Arbitrary<Call>
  /** Queries that show all that a version can see; asked after every step. */
  readonly queries: (version: number) => readonly Call[]
}

export type Call = readonly [method: string, ...args: unknown[]]

const events = ['introduce', 'withdraw', 'upgrade', 'retire', 'restart', 'crash'] as const
export type Event = (typeof events)[number]
/** One call for each version: which of them is made depends on what is served when its turn comes. */
export type Step = { readonly event: Event } | { readonly at: number; readonly calls: readonly Call[] }

export function histories(example: Example, length: { minLength: number; maxLength: number }): fc.Arbitrary<Step[]> {
  const calls = fc.tuple(...example.versions.map((_, i) => example.commands(i + 1)))
  const call = fc.record({ at: fc.nat(example.versions.length - 1), calls })
  // What is introduced should stay for some calls: that is where versions meet.
  const event = fc.constantFrom(...events, 'introduce' as const, 'introduce' as const).map(event => ({ event }))
  return fc.array(fc.oneof({ weight: 8, arbitrary: call }, { weight: 1, arbitrary: event }), { ...length, size: 'max' })
}

/** A history by hand: events, and calls such as `[2, 'getColor', 1]`. */
export function steps(...written: ReadonlyArray<Event | readonly [version: number, ...Call]>): Step[] {
  return written.map(each => {
    if (typeof each === 'string') return { event: each }
    const [version, ...call] = each
    return { at: version - 1, calls: Array.from({ length: version }, () => call) }
  })
}

/** Runs a history, looks at everything after each step, and gives what was wrong, if anything, with what led there (R7, R8, R10). */
export async function flawOf(example: Example, history: readonly Step[]): Promise<string | undefined> {
  const { versions } = example
  const directory = await mkdtemp(join(tmpdir(), 'instar-history-'))
  const failures: string[] = []
  const object = await createTestObject({
    versions,
    directory,
    overrides: { onSimulationFailed: ({ cause }) => failures.push(cause) }
  })
  const reference = example.reference()
  const served = { low: 1, high: 1 }
  const transcript: string[] = []

  async function flawOfCall(version: number, [method, ...args]: Call): Promise<string | undefined> {
    const answer = await object.call(version, method, args).catch((error: unknown) => (error as { code: unknown }).code)
    const line = `v${version}.${method}(${args.map(show).join(', ')}) = ${show(answer)}`
    if (failures.length > 0) return `${line}: ${failures.join(', ')}`
    if (answer === 'Disallowed') return version === object.current ? `${line}, by the current object` : undefined
    const expected = reference.call(version, method, args)
    return show(answer) === show(expected) ? undefined : `${line}, not ${show(expected)}`
  }

  async function flawOfStep(step: Step): Promise<string | undefined> {
    if ('event' in step) {
      if (await happen(object, step.event, served, versions.length, reference)) transcript.push(step.event)
    } else {
      // Of the versions that are served now, one.
      const version = served.low + (step.at % (served.high - served.low + 1))
      const [method, ...args] = step.calls[version - 1] ?? ['']
      const flaw = await flawOfCall(version, [method, ...args])
      if (flaw !== undefined) return flaw
      transcript.push(`v${version}.${method}(${args.map(show).join(', ')})`)
    }
    for (let version = served.low; version <= served.high; version++) {
      for (const query of example.queries(version)) {
        const flaw = await flawOfCall(version, query)
        if (flaw !== undefined) return flaw
      }
    }
    return undefined
  }

  try {
    for (const step of history) {
      const flaw = await flawOfStep(step)
      if (flaw !== undefined) return [...transcript, flaw].join('\n')
    }
    return undefined
  } finally {
    await object.close()
    await rm(directory, { recursive: true })
  }
}

function show(value: unknown): string {
  const sorted = (_: string, each: unknown): unknown =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each
  return value === undefined ? 'nothing' : JSON.stringify(value, sorted)
}

/** Says whether it could happen. */
async function happen(
  object: TestObject,
  event: Event,
  served: { low: number; high: number },
  newest: number,
  reference: Reference
): Promise<boolean> {
  switch (event) {
    case 'introduce':
      if (served.high === newest) return false
      await object.introduce(++served.high)
      return true
    case 'withdraw':
      if (served.high === object.current) return false
      reference.withdraw(served.high)
      await object.withdraw(served.high--)
      return true
    case 'upgrade':
      if (object.current === newest) return false
      await object.upgrade()
      served.high = Math.max(served.high, object.current)
      return true
    case 'retire':
      if (served.low === object.current) return false
      await object.retire(served.low++)
      return true
    case 'restart':
      await object.restart()
      return true
    case 'crash':
      await object.crash()
      return true
  }
}
