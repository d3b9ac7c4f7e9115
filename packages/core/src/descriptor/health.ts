import { z } from 'zod'
import { durationWords } from './duration-words.js'

const milliseconds = z
  .int()
  .min(0)
  .max(86_400_000 * 366)
const percent = z.int().min(1).max(100)

/** Arguments of a probe are passed on as text: a descriptor carries whole numbers only (canonical JSON), a call any. */
const jsonArray = z.string().max(1000).refine(isJsonArray, 'not a JSON array')

const probeSchema = z.strictObject({
  /** A query of the new class. The peer asks it itself, so that a version is judged where nobody calls, too. */
  method: z.string().min(1).max(255),
  /** Its arguments, as the text of a JSON array. Absent: none. */
  args: jsonArray.optional(),
  /** Absent: 5 s. */
  everyMs: milliseconds.min(100).optional(),
  /** What comes later is missed. Absent: 2 s. */
  timeoutMs: milliseconds.min(10).optional(),
  /** So many in a row are a failure of the version. Absent: 3. */
  missesMax: z.int().min(1).max(1000).optional()
})

/** How the trial of a class upgrade is judged (§15); see {@link healthPolicyOf} for what an absent field means. */
export const healthSchema = z.strictObject({
  /** *wait*: what callers meet with in the first so many milliseconds of a trial is not counted: caches are cold, callers reconnect. Absent: 0. */
  waitMs: milliseconds.optional(),
  /** *retry*: how often a peer that went back tries again by itself. Absent: 0, it waits for a word (§4). */
  retry: z.int().min(0).max(100).optional(),
  /** The pause before it does. Absent: 10 min. */
  retryAfterMs: milliseconds.optional(),
  /** *timeout*: a trial that could not be committed by then has failed, unless only the trust metadata are stale. Absent or 0: no bound. */
  timeoutMs: milliseconds.optional(),
  /** `back`: a failed trial goes back. `hold`: it stays where it is, says so, and its operator decides. Absent: `back`. */
  onFailure: z.enum(['back', 'hold']).optional(),
  /** So many calls have to be answered before errors are judged, and before a trial with callers is committed. Absent: 20. */
  minCalls: z.int().min(1).max(1_000_000).optional(),
  /** The version has failed where its share of errors is higher than before the switch by more than so many percent of all calls. Absent: 5. */
  errorPercent: percent.optional(),
  /** *idleCommit*: after so long a trial without `minCalls` is committed all the same. Absent: 0, the stable time is enough. */
  idleCommitMs: milliseconds.optional(),
  /** Absent: the peer asks nothing itself. */
  probe: probeSchema.optional(),
  /** The others stop where the version failed at so many percent of the peers that tried it, and at two at least (§1). Absent: 20. */
  abortPercent: percent.optional()
})

type WrittenHealth = z.infer<typeof healthSchema>

type Complete<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> }

/** A health policy as its author writes it, in a descriptor. */
export type Health = Readonly<WrittenHealth>

/** A health policy with nothing left out but the probe, which may be none. */
export type HealthPolicy = Complete<Omit<WrittenHealth, 'probe'>> & {
  readonly probe: Complete<NonNullable<WrittenHealth['probe']>> | undefined
}

const defaults: HealthPolicy = Object.freeze({
  waitMs: 0,
  retry: 0,
  retryAfterMs: 10 * 60_000,
  timeoutMs: 0,
  onFailure: 'back',
  minCalls: 20,
  errorPercent: 5,
  idleCommitMs: 0,
  probe: undefined,
  abortPercent: 20
})
const probeDefaults = Object.freeze({ args: '[]', everyMs: 5000, timeoutMs: 2000, missesMax: 3 })

/** The policy of a class upgrade, or of none: what its author left out is filled in. */
export function healthPolicyOf(upgrade: { readonly health?: Health | undefined } | undefined): HealthPolicy {
  const { probe, ...given } = upgrade?.health ?? {}
  return {
    ...defaults,
    ...withoutUndefined(given),
    probe:
      probe === undefined ? undefined : { ...probeDefaults, ...(withoutUndefined(probe) as Complete<typeof probe>) }
  } as HealthPolicy
}

function withoutUndefined<T extends object>(given: T): Partial<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<T>
}

/** What keeps something that an author wrote from being a health policy, in words. */
export function flawOfHealth(value: unknown): string | undefined {
  const parsed = healthSchema.safeParse(value)
  return parsed.success ? undefined : z.prettifyError(parsed.error).replace(/\s*\n\s*/g, ' ')
}

/** For people, without a full stop. */
export function healthWords(upgrade: {
  readonly health?: Health | undefined
  readonly stableMs: number
  readonly back: string
}): string {
  const policy = healthPolicyOf(upgrade)
  const { onFailure, minCalls, errorPercent, idleCommitMs, retry, retryAfterMs, timeoutMs, waitMs, probe } = policy
  const end =
    upgrade.back === 'none' ? 'it is reported' : onFailure === 'back' ? 'it goes back' : 'its operator decides'
  const failed = [
    `its errors exceed those before by ${errorPercent} % of at least ${minCalls} calls`,
    'it brings its host down twice',
    ...(probe === undefined ? [] : [`it misses ${probe.missesMax} probes (${probe.method}) in a row`]),
    ...(timeoutMs === 0 ? [] : [`it is not committed within ${durationWords(timeoutMs)}`])
  ]
  const calls =
    idleCommitMs === 0
      ? ''
      : ` and ${minCalls} calls that went well, or after ${durationWords(idleCommitMs)} without those`
  return [
    `committed after ${durationWords(upgrade.stableMs)} without a crash${calls}`,
    `where ${failed.join(', or ')}, ${end}`,
    ...(waitMs === 0 ? [] : [`the first ${durationWords(waitMs)} do not count`]),
    ...(retry === 0 ? [] : [`tried again by itself up to ${retry} times, ${durationWords(retryAfterMs)} later`])
  ].join('; ')
}

function isJsonArray(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text))
  } catch {
    return false
  }
}
