import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { healthPolicyOf, type CallerFigures, type CallFigures, type Health } from '../src/index.js'
import { countCrash, createTrialWatch, judgeTrial, usualShare, type Judgement } from '../src/lifecycle/health.js'

/** What the shell would tell of callers that met with this. */
function figures(...callers: ReadonlyArray<readonly [calls: number, errors: number]>): CallFigures {
  const all = callers.map(([calls, errors], i): CallerFigures => ({ caller: `caller ${i}`, calls, errors }))
  const sum = (of: (each: CallerFigures) => number): number => all.reduce((total, each) => total + of(each), 0)
  return {
    calls: sum(each => each.calls),
    errors: sum(each => each.errors),
    callers: all.length,
    shares: sum(each => each.errors / each.calls),
    failing: all.filter(each => each.errors > 0)
  }
}

const quiet = figures([1000, 0], [1000, 0])

function judge(now: CallFigures, before: CallFigures = quiet, health: Health = {}): Judgement {
  const watch = createTrialWatch({ wallMs: 0, monoMs: 0 })
  watch.before = { calls: before.calls, callers: before.callers, share: usualShare(before) }
  watch.figures = now
  watch.answered = now.calls - now.errors
  return judgeTrial(watch, healthPolicyOf({ health }), 0)
}

describe('a trial', () => {
  it('that fails three of ten calls of three callers is ill, and says what it is compared with', () => {
    expect(judge(figures([40, 12], [30, 9], [30, 9]))).toEqual({
      is: 'ill',
      cause: '30 % of its calls failed, 0 % before the switch (30 of 100 calls, 3 of 3 callers)'
    })
  })

  it('that fails as often as the version before is well', () => {
    const usual = figures([40, 1], [30, 1], [30, 2])
    expect(judge(usual, usual)).toEqual({ is: 'well' })
  })

  it('is not judged where the version before was ill', () => {
    expect(judge(figures([100, 90], [100, 90], [100, 90]), figures([100, 30], [100, 30]))).toEqual({ is: 'well' })
  })

  it('is not judged by fewer calls than its policy says, and not committed by them either', () => {
    const some = figures([8, 4], [8, 4], [8, 4])
    expect(judge(some)).toMatchObject({
      is: 'open',
      missing: expect.stringMatching(/too many of them failed/) as string
    })
    expect(judge(some, quiet, { minCalls: 16 })).toMatchObject({ is: 'ill' })
  })

  it('waits for calls that go well, or for the time after which it needs none', () => {
    const watch = createTrialWatch({ wallMs: 0, monoMs: 0 })
    const policy = healthPolicyOf({ health: { idleCommitMs: 60_000 } })
    expect(judgeTrial(watch, policy, 59_999)).toMatchObject({ is: 'open' })
    expect(judgeTrial(watch, policy, 60_000)).toEqual({ is: 'well' })
    watch.answered = 20
    expect(judgeTrial(watch, policy, 0)).toEqual({ is: 'well' })
  })

  it('is neither sent back nor committed by the only caller that there is', () => {
    expect(judge(figures([100, 100]))).toMatchObject({ is: 'open', byOne: true })
    expect(judge(figures([100, 100], [20, 0]))).toEqual({ is: 'well' })
  })

  it('is judged by calls and by callers: neither a few busy ones decide, nor some that have hardly called', () => {
    const many = Array.from({ length: 40 }, () => [5, 0] as const)
    expect(judge(figures([1000, 500], [1000, 500], ...many)).is).toBe('well')
    expect(judge(figures([1, 1], [1, 1], [1000, 0], [1000, 0])).is).toBe('well')
  })

  it('is ill that brought its host down twice, wherever one caller alone did that, thrice', () => {
    const verdictOf = (...callers: Array<string | undefined>): string => {
      const watch = createTrialWatch({ wallMs: 0, monoMs: 0 })
      watch.answered = 20
      for (const caller of callers) countCrash(watch, 'it exited with code 7', caller)
      return judgeTrial(watch, healthPolicyOf(undefined), 0).is
    }
    expect(verdictOf(undefined)).toBe('well')
    expect(verdictOf(undefined, undefined)).toBe('ill')
    expect(verdictOf('a', 'a', 'a', 'a')).toBe('well')
    expect(verdictOf('a', 'a', undefined)).toBe('well')
    expect(verdictOf('a', 'b', undefined)).toBe('ill')
    expect(verdictOf('a', 'b', 'c')).toBe('ill')
  })

  it('is ill that misses its probes in a row, unless the version before did', () => {
    const policy = healthPolicyOf({ health: { probe: { method: 'size', missesMax: 2 } } })
    const watch = createTrialWatch({ wallMs: 0, monoMs: 0 })
    expect(judgeTrial(watch, policy, 0)).toMatchObject({ is: 'open' })
    watch.probes.answered = 1
    expect(judgeTrial(watch, policy, 0)).toEqual({ is: 'well' })
    watch.probes.missed = 1
    expect(judgeTrial(watch, policy, 0)).toMatchObject({ is: 'open' })
    watch.probes.missed = 2
    expect(judgeTrial(watch, policy, 0)).toMatchObject({ is: 'ill' })
    const before = createTrialWatch({ wallMs: 0, monoMs: 0 }, { missed: true })
    before.probes.missed = 9
    expect(judgeTrial(before, policy, 0)).toEqual({ is: 'well' })
  })

  it('is not judged any more that an operator has approved', () => {
    const watch = createTrialWatch({ wallMs: 0, monoMs: 0 })
    watch.crashes.own = 9
    watch.approved = true
    expect(judgeTrial(watch, healthPolicyOf({ health: { idleCommitMs: 1000 } }), 0)).toEqual({ is: 'well' })
  })
})

const calls = fc.integer({ min: 1, max: 10_000 })
/** A caller that fails at most so often. */
const callerUpTo = (share: number) =>
  calls.chain(count => fc.tuple(fc.constant(count), fc.integer({ min: 0, max: Math.floor(count * share) })))
const anyCaller = callerUpTo(1)
const policy = fc.record({ minCalls: fc.integer({ min: 1, max: 500 }), errorPercent: fc.integer({ min: 1, max: 50 }) })
const runs = { numRuns: 300 }

describe('no judgement by errors', () => {
  it('comes from one caller, whatever it does, among others that fare as before', () => {
    const property = fc.property(
      fc.array(callerUpTo(0.05), { maxLength: 8 }),
      anyCaller,
      fc.nat(8),
      policy,
      (others, bad, at, health) => {
        const all = [...others]
        all.splice(Math.min(at, all.length), 0, bad)
        // What one may not exceed is at least what the others do.
        expect(
          judge(figures(...all), quiet, { ...health, errorPercent: Math.max(health.errorPercent, 5) }).is
        ).not.toBe('ill')
      }
    )
    fc.assert(property, runs)
  })

  it('comes from what was usual before', () => {
    const usual = fc.array(anyCaller, { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(usual, policy, (same, health) => {
        expect(judge(figures(...same), figures(...same), health).is).not.toBe('ill')
      }),
      runs
    )
  })

  it('changes when a caller is left out that had no errors of its own, but for want of calls', () => {
    fc.assert(
      fc.property(fc.array(anyCaller, { minLength: 2, maxLength: 8 }), calls, policy, (all, well, health) => {
        if (judge(figures(...all, [well, 0]), quiet, health).is !== 'ill') return
        expect(judge(figures(...all), quiet, { ...health, minCalls: 1 }).is).toBe('ill')
      }),
      runs
    )
  })

  it('is withheld where every caller fails far more often than before', () => {
    const ill = calls.chain(count =>
      fc.tuple(fc.constant(count + 100), fc.integer({ min: Math.ceil((count + 100) * 0.6), max: count + 100 }))
    )
    fc.assert(
      fc.property(fc.array(ill, { minLength: 2, maxLength: 8 }), all => {
        expect(judge(figures(...all), quiet, { minCalls: 100 }).is).toBe('ill')
      }),
      runs
    )
  })

  it('depends on the order of callers', () => {
    fc.assert(
      fc.property(fc.array(anyCaller, { minLength: 1, maxLength: 8 }), policy, (all, health) => {
        const said = (of: CallFigures): string => judge(of, quiet, health).is
        expect(said(figures(...all.toReversed()))).toBe(said(figures(...all)))
      }),
      runs
    )
  })
})
