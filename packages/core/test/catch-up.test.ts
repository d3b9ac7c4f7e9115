import { describe, expect, it } from 'vitest'
import { runsEverything } from '../../../test/fixtures/selection.js'
import { routesOf, type ClassUpgrade, type Effect } from '../src/index.js'
import { classUpgrade, repair, twinUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer, type SimulationOptions } from './simulation.js'

type Shape = (version: number) => Partial<ClassUpgrade>

/** A peer that stood still at version 1 while another one has gone on and committed everything, and what it does from its start on. */
function late(
  count: number,
  shape: Shape = () => ({}),
  options: Partial<SimulationOptions> = {},
  others = 1
): {
  simulation: Simulation
  ahead: SimulatedPeer
  away: SimulatedPeer
  effects: Effect[]
  log: ReturnType<typeof versions>
} {
  const simulation = new Simulation({
    peers: others + 1,
    seed: 5,
    timing: { introduceGraceMs: 0 },
    asksOperators: true,
    ...options
  })
  const [ahead, ...rest] = simulation.peers as [SimulatedPeer, ...SimulatedPeer[]]
  const away = rest.at(-1)!
  const log = versions(count, version => ({ classes: [classUpgrade(version, version > 1 ? shape(version) : {})] }))
  ahead.boot()
  for (const { descriptor } of log.slice(0, 1)) simulation.publish(descriptor)
  simulation.run(() => ahead.served() !== undefined)
  for (const peer of rest) peer.boot()
  simulation.run(() => simulation.peers.every(peer => peer.served() !== undefined))
  away.kill()
  for (const { descriptor } of log.slice(1)) for (const peer of simulation.peers) peer.learn(descriptor, 1)
  const present = simulation.peers.filter(peer => peer !== away)
  simulation.run(() => present.every(peer => peer.state.log.length === count))
  for (const peer of present) for (const { version } of log) peer.input({ fact: 'operator', word: 'approve', version })
  simulation.run(() => present.every(peer => peer.isCommittedAt(count)))
  const effects: Effect[] = []
  away.killAt = (when, effect) => {
    if (when === 'before') effects.push(effect)
    return false
  }
  return { simulation, ahead, away, effects, log }
}

const isSwitch = (effect: Effect): effect is Extract<Effect, { effect: 'switchHost' }> => effect.effect === 'switchHost'
const switchesOf = (effects: readonly Effect[]): string[] =>
  effects.filter(isSwitch).map(({ purpose, plan }) => `${purpose} ${plan.object.version}`)
const runsOf = (peer: SimulatedPeer): number[] =>
  peer.disk.journal.flatMap(entry => (entry.type === 'running' ? [entry.version] : []))

describe('a peer that was away', () => {
  it('needs room for two states where each is built from one that was built', () => {
    const mebibyte = 1024 * 1024
    let freeDiskBytes = 150 * mebibyte
    const machine = (peer: SimulatedPeer) => (peer.index === 1 ? { freeDiskBytes, stateBytes: 100 * mebibyte } : {})
    const { simulation, away } = late(3, () => ({}), { faults: { machine } })
    away.boot()
    simulation.run(() => /its disk has 150 MiB free, and this takes 208 MiB/.test(away.describe()))
    freeDiskBytes = 250 * mebibyte
    simulation.run(() => away.isSettledAt(3))
    expect(runsOf(away)).toEqual([3])
  })

  it('takes what others have committed in one switch, after one rehearsal, with the last version on trial', () => {
    const { simulation, away, effects } = late(6)
    away.boot()
    simulation.run(() => phaseOf(away, 6) === 'trial')
    expect(away.said).toMatchObject({ running: { version: 6 }, floor: 1, versions: [{ version: 6, phase: 'trial' }] })
    simulation.run(() => away.isSettledAt(6))
    expect(runsOf(away)).toEqual([6])
    expect(switchesOf(effects).slice(0, 2)).toEqual(['start 1', 'upgrade 6'])
    const walk = effects.filter(isSwitch).find(each => each.purpose === 'upgrade')!
    expect(walk.plan.steps.map(step => step.to)).toEqual([2, 3, 4, 5, 6])
    expect(
      effects
        .filter(each => each.effect === 'rehearse')
        .at(-1)
        ?.plans.map(plan => plan.object.version)
    ).toEqual([1, 6])
    expect(
      [2, 3, 4, 5].map(version =>
        away.disk.journal.some(each => each.type === 'phase' && each.version === version && each.phase === 'committed')
      )
    ).toEqual([true, true, true, true])
  })

  it('goes back from the last version to where it began, and ends before it from then on (R22)', () => {
    const { simulation, away } = late(4, () => ({ back: 'copy' }))
    away.boot()
    simulation.run(() => phaseOf(away, 4) === 'trial')
    expect(away.state.host.plan?.wayBack).toEqual({ by: 'copy', to: 1 })
    away.input({ fact: 'operator', word: 'goBack', version: 4 })
    simulation.run(() => phaseOf(away, 4) === 'wentBack')
    expect(runsOf(away)).toEqual([4, 1])
    simulation.run(() => away.state.running === 3 && phaseOf(away, 3) === 'committed')
    expect(runsOf(away)).toEqual([4, 1, 3])
    expect(phaseOf(away, 4)).toBe('wentBack')
  })

  it('goes back to the object of before where all steps are twins', () => {
    const { simulation, away } = late(3, version => twinUpgrade(version))
    away.boot()
    simulation.run(() => phaseOf(away, 3) === 'trial')
    expect(away.state.host.plan?.wayBack).toMatchObject({ by: 'exact', object: { version: 1 } })
    away.input({ fact: 'operator', word: 'goBack', version: 3 })
    simulation.run(() => phaseOf(away, 3) === 'wentBack')
    expect(runsOf(away)).toEqual([3, 1])
  })

  it.each<[string, Shape, number[]]>([
    ['an exact one after one without a way back', version => (version === 4 ? twinUpgrade(4) : {}), [3, 4]],
    ['a copy after one without a way back', version => (version === 3 ? {} : { back: 'copy' }), [3, 4]],
    ['one without a way back after twins', version => (version === 4 ? {} : twinUpgrade(version)), [4]],
    ['one that its operators approve', version => (version === 3 ? manual : {}), [2]]
  ])('ends a walk where going back would lose more than is promised: %s', (_what, shape, expected) => {
    const { simulation, away } = late(4, shape)
    away.boot()
    simulation.run(() => away.isCommittedAt(expected.at(-1)!) || phaseOf(away, 3) === 'waiting')
    expect(runsOf(away)).toEqual(expected)
  })

  it('is never taken back by code: where a reverse transform is the way back, its version is taken singly, with its rehearsal (R22)', () => {
    const ways = {
      exact: (version: number) => twinUpgrade(version),
      copy: () => ({ back: 'copy' as const }),
      transform: () => ({ back: 'transform' as const, loses: 'who came last' }),
      none: () => ({})
    }
    const kinds = Object.keys(ways) as Array<keyof typeof ways>
    const seen = { walks: 0, back: 0, singly: 0 }
    for (const second of kinds) {
      for (const third of kinds) {
        const backs = [second, third]
        const { simulation, away, effects } = late(3, version => ways[backs[version - 2] ?? 'none'](version))
        away.boot()
        const isWalk = (): boolean => away.state.walk?.isBegun === true
        simulation.run(() => away.isCommittedAt(3) || (isWalk() && phaseOf(away, 3) === 'trial'))
        if (isWalk()) {
          seen.walks++
          if (third !== 'none') {
            away.input({ fact: 'operator', word: 'goBack', version: 3 })
            simulation.run(() => phaseOf(away, 3) === 'wentBack')
            expect(away.state.running).toBe(1)
            seen.back++
          }
        } else seen.singly++
        const plans = effects.filter(isSwitch).map(each => each.plan)
        const walked = plans.filter(each => each.object.version === 3 && each.steps.length > 1)
        expect(walked.length > 0, backs.join()).toBe(third !== 'transform' && runsOf(away)[0] === 3)
        for (const { wayBack } of walked) expect(wayBack?.by, backs.join()).not.toBe('transform')
        if (walked.length > 0) expect(plans.some(each => each.reverse !== undefined)).toBe(false)
      }
    }
    expect(seen).toEqual({ walks: 8, back: 4, singly: 8 })
  })

  it('that nobody answers follows what it had heard of the others, or was brought, after a moment', () => {
    const { simulation, away, effects } = late(4)
    const heard = simulation.peers.filter(peer => peer !== away).map(peer => peer.said!)
    for (const peer of simulation.peers) if (peer !== away) peer.kill()
    away.boot()
    // As the store tells it at a start, or an offline file.
    away.state.synced = false
    for (const peer of simulation.peers) peer.said = undefined
    const sync = simulation.nowMs + 5
    simulation.run(() => simulation.nowMs >= sync)
    away.state.synced = false
    const ageMs = 3 * 86_400_000
    for (const announcement of heard)
      away.input({ fact: 'announcement', announcement, ageMs, admission: { by: 'policy' } })
    expect(away.state.walk).toBeUndefined()
    expect(away.describe()).toContain('asks the others')
    const asked = simulation.nowMs
    simulation.run(() => away.state.walk !== undefined)
    expect(simulation.nowMs - asked).toBeLessThanOrEqual(10_000)
    simulation.run(() => away.isCommittedAt(4))
    expect(runsOf(away)).toEqual([4])
    expect(switchesOf(effects).slice(0, 2)).toEqual(['start 1', 'upgrade 4'])
  })

  it('takes versions one by one, where too few of the others have committed them', () => {
    const { simulation, away, log } = late(4, () => ({}), {}, 4)
    // Three of four others never got beyond version 2.
    for (const peer of simulation.peers.slice(1, 4)) {
      const said = peer.said!
      peer.kill()
      const running = { version: 2, chainId: log[1]!.chainId.slice(0, 16) }
      peer.said = { ...said, seq: said.seq + 1, running, class: 'Counter2', floor: 2, served: [1, 2], versions: [] }
    }
    away.boot()
    simulation.run(() => away.isCommittedAt(4), 3_600_000)
    expect(runsOf(away)).toEqual([2, 3, 4])
  })

  it('stops before a version that is halted, and goes on when it is resumed, without a restart', () => {
    const { simulation, away } = late(6)
    away.boot()
    away.trust({ fact: 'halt', version: 5, unload: false, reason: 'it loses orders' })
    simulation.run(() => away.isCommittedAt(4))
    expect(runsOf(away)).toEqual([4])
    expect(phaseOf(away, 5)).toBe('halted')
    away.trust({ fact: 'resume', version: 5, order: '2026-02-01T00:00:00.000Z' })
    simulation.run(() => away.isCommittedAt(6))
    expect(runsOf(away)).toEqual([4, 6])
  })

  it('gives up a walk that is under way when one of its versions is halted, and keeps what ran', () => {
    const { simulation, away } = late(4)
    away.boot()
    simulation.run(() => phaseOf(away, 4) === 'transforming')
    away.trust({ fact: 'halt', version: 3, unload: false, reason: 'it loses orders' })
    simulation.run(() => away.state.host.status === 'up' && away.state.host.switching === undefined)
    expect(away.state.running).toBe(1)
    expect(away.disk.meta?.current).toBe(1)
    simulation.run(() => away.isCommittedAt(2))
    expect(runsOf(away)).toEqual([2])
  })

  it.each([4, undefined])(
    'takes the version to blame by itself when a walk fails, and the part below it (blames %s)',
    step => {
      let tries = 0
      let isAway = true
      const { simulation, away, effects } = late(6, () => ({}), {
        faults: {
          walk: plan => (!isAway && plan.object.version === 6 ? { cause: 'the transform threw', step } : undefined),
          rehearse: version => (!isAway && version === 4 ? (tries++, 'it throws') : undefined)
        }
      })
      isAway = false
      away.boot()
      simulation.run(() => phaseOf(away, 4) === 'introduceFailed')
      const before = effects.filter(each => each.effect === 'rehearse').length
      const { nowMs } = simulation
      simulation.always(away, 100_000, () => undefined)
      simulation.run(() => simulation.nowMs >= nowMs + 100_000)
      expect(away.state.running).toBe(3)
      expect(runsOf(away)).toEqual(step === undefined ? [2, 3] : [3])
      expect(effects.filter(each => each.effect === 'rehearse').length, 'nothing is tried again by itself').toBe(before)
      expect(tries).toBe(1)
    }
  )

  it('steps over what has been superseded', () => {
    const { simulation, ahead, away, log } = late(4)
    const fixed = repair(log, 1)
    for (const peer of [ahead, away]) peer.learn(fixed, 1)
    simulation.run(() => ahead.isCommittedAt(5))
    away.boot()
    simulation.run(() => away.isSettledAt(5))
    expect(runsOf(away)).toEqual([5])
    expect(routesOf(away.state).entries[3]).toMatchObject({ version: 4, state: 'superseded', by: 5 })
  })

  it('that dies at any moment of the walk goes on with it, or begins it again', () => {
    let moments = 0
    for (let dies = 0; dies < 400; dies += runsEverything ? 1 : 7) {
      const { simulation, away } = late(4)
      let count = 0
      away.killAt = () => {
        if (count++ !== dies) return false
        moments++
        simulation.rebootLater(away, 30)
        return true
      }
      away.boot()
      simulation.run(() => away.isSettledAt(4) && away.served() !== undefined)
      expect(runsOf(away)).toEqual([4])
      expect(away.disk.meta?.current).toBe(4)
      if (count <= dies) break
    }
    expect(moments).toBeGreaterThan(runsEverything ? 40 : 5)
  })

  it('that dies between two steps begins with the next one, and serves nothing in between', () => {
    const { simulation, away, effects } = late(5)
    away.boot()
    simulation.run(() => away.disk.walkedTo === 3)
    away.kill()
    effects.length = 0
    away.boot()
    simulation.run(() => phaseOf(away, 5) === 'trial')
    expect(switchesOf(effects)).toEqual(['upgrade 5'])
  })
})

const manual = {
  schedule: { strategy: { type: 'manual' }, deadline: '2100-01-01T00:00:00.000Z', deadlineSpreadMs: 0 }
} as const
