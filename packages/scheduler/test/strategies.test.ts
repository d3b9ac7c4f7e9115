import type { PeerFacts, Phase, ScheduleInputs } from '@instar/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../src/index.js'

const version = 2

function facts(peer: string, phase: Phase | undefined = 'introduced', over: Partial<PeerFacts> = {}): PeerFacts {
  return {
    peer,
    groups: [],
    running: phase === 'committed' || phase === 'trial' ? version : 1,
    phase,
    reachable: true,
    ...over
  }
}

function inputs(self: PeerFacts, others: readonly PeerFacts[], over: Partial<ScheduleInputs> = {}): ScheduleInputs {
  const peers = [self, ...others].sort((a, b) => (a.peer < b.peer ? -1 : 1))
  return { version, nowMs: 1_000_000, self, approved: false, peers, ...over }
}

describe('eager', () => {
  it('goes whatever the others do', () => {
    expect(evaluate({ type: 'eager' }, inputs(facts('b'), [facts('a', 'transforming')])).decision).toBe('upgrade')
  })
})

describe('at', () => {
  const time = '2030-01-01T00:00:00.000Z'

  it('waits until its moment and asks to be looked at again then', () => {
    const decision = evaluate({ type: 'at', time }, inputs(facts('a'), [], { nowMs: Date.parse(time) - 1 }))
    expect(decision).toMatchObject({ decision: 'wait', lookAgainAtMs: Date.parse(time) })
  })

  it('goes from its moment on', () => {
    expect(evaluate({ type: 'at', time }, inputs(facts('a'), [], { nowMs: Date.parse(time) })).decision).toBe('upgrade')
  })
})

describe('manual', () => {
  it('waits for an approval and says how to give it', () => {
    const decision = evaluate({ type: 'manual' }, inputs(facts('a'), []))
    expect(decision).toMatchObject({
      decision: 'wait',
      reason: 'manual: waits for `instar upgrade approve 2` on this peer'
    })
  })

  it('goes once approved', () => {
    expect(evaluate({ type: 'manual' }, inputs(facts('a'), [], { approved: true })).decision).toBe('upgrade')
  })
})

describe('rolling', () => {
  const one = { type: 'rolling', maxUnavailable: 1 } as const

  it('lets the first in the order go and the second wait for it', () => {
    expect(evaluate(one, inputs(facts('a'), [facts('b')])).decision).toBe('upgrade')
    expect(evaluate(one, inputs(facts('b'), [facts('a')])).decision).toBe('wait')
  })

  it('waits for a peer that is away, also when it is silent (R18)', () => {
    const silent = facts('z', 'transforming', { reachable: false })
    const decision = evaluate(one, inputs(facts('a'), [silent]))
    expect(decision.decision).toBe('wait')
    expect(decision.reason).toContain('upgrading')
  })

  it('skips the turn of a peer that cannot be reached and has not begun', () => {
    expect(evaluate(one, inputs(facts('b'), [facts('a', 'introduced', { reachable: false })])).decision).toBe('upgrade')
  })

  it('does not wait for a peer that the upgrade has failed', () => {
    expect(evaluate(one, inputs(facts('b'), [facts('a', 'failed')])).decision).toBe('upgrade')
  })

  it('counts only its group', () => {
    const grouped = { type: 'rolling', maxUnavailable: 1, group: 'east' } as const
    const self = facts('b', 'introduced', { groups: ['east'] })
    expect(evaluate(grouped, inputs(self, [facts('a', 'transforming', { groups: ['west'] })])).decision).toBe('upgrade')
    expect(evaluate(grouped, inputs(self, [facts('a', 'transforming', { groups: ['east'] })])).decision).toBe('wait')
  })

  it('with the same knowledge lets at most k go, and always somebody while places are free', () => {
    const phase = fc.constantFrom<Phase>('introduced', 'waiting', 'transforming', 'trial', 'committed')
    fc.assert(
      fc.property(
        fc.array(phase, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (phases, maxUnavailable) => {
          const peers = phases.map((each, i) => facts(String.fromCharCode(97 + i), each))
          const away = peers.filter(({ phase: each }) => each === 'transforming' || each === 'trial').length
          const pending = peers.filter(({ phase: each }) => each === 'introduced' || each === 'waiting')
          const going = pending.filter(self => {
            const others = peers.filter(each => each !== self)
            return evaluate({ type: 'rolling', maxUnavailable }, inputs(self, others)).decision === 'upgrade'
          })
          expect(going.length + away).toBeLessThanOrEqual(Math.max(maxUnavailable, away))
          if (away < maxUnavailable) expect(going.length).toBe(Math.min(maxUnavailable - away, pending.length))
        }
      )
    )
  })
})
