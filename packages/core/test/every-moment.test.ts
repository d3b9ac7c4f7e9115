// The process dies once, at every moment of every journey that a version can make at a peer: before and after each effect, the writes of
// the journal among them. Afterwards the peer comes to the same end as one that has never died, and what was stopped can go on.

import { describe, expect, it } from 'vitest'
import { runsEverything } from '../../../test/fixtures/selection.js'
import type { ClassUpgrade, Descriptor, HostPlan } from '../src/index.js'
import { classUpgrade, repair, twinUpgrade, versions } from './descriptors.js'
import { phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer, type SimulationOptions } from './simulation.js'

const rebootMs = 30

interface World {
  readonly simulation: Simulation
  readonly peer: SimulatedPeer
  /** Whether what goes wrong in this journey still does. */
  isBroken: boolean
}

interface Journey {
  readonly log: readonly Descriptor[]
  readonly faults?: (world: () => World) => NonNullable<SimulationOptions['faults']>
  /** What the world does to the peer, asked after everything that happens. */
  readonly meanwhile?: (world: World) => void
  readonly isOver: (peer: SimulatedPeer) => boolean
  /** Mends what was wrong: from here the upgrade has to go on. */
  readonly mend?: (world: World) => void
  /** What the object has been, in order, also after the mending. */
  readonly runs: readonly number[]
}

type Shape = (version: number, over?: Partial<ClassUpgrade>) => ClassUpgrade
const logOf = (count: number, shape: Shape, over: Partial<ClassUpgrade> = {}): readonly Descriptor[] =>
  versions(count, version => ({ classes: [shape(version, version > 1 ? over : {})] })).map(each => each.descriptor)
const twoVersions = logOf(2, classUpgrade)
const entries = { transform: 'entries' } as const
const copies = logOf(2, classUpgrade, { back: 'copy' })
const twins = logOf(2, twinUpgrade)

const isSettledAt = (version: number) => (peer: SimulatedPeer) => peer.isSettledAt(version)
const isIn = (phase: string) => (peer: SimulatedPeer) => phaseOf(peer, 2) === phase && peer.state.host.status === 'up'
const isUpgrade = (plan: HostPlan): boolean => plan.steps.some(step => step.to === 2)
const resume = (world: World): void => {
  world.isBroken = false
  world.peer.input({ fact: 'operator', word: 'resume', version: 2 })
}
/** Words of an operator or of the trust documents come once: a process that was dead is told at its next start. */
const once = (when: (world: World) => boolean, then: (world: World) => void) => {
  const told = new WeakSet<Simulation>()
  return (world: World): void => {
    if (told.has(world.simulation) || !world.peer.isUp || !when(world)) return
    told.add(world.simulation)
    then(world)
  }
}
const whenever =
  (phase: string, then: (peer: SimulatedPeer) => void) =>
  ({ peer, isBroken }: World): void => {
    if (isBroken && peer.isUp && phaseOf(peer, 2) === phase) then(peer)
  }
const isUnhealthy = whenever('trial', peer => peer.input({ fact: 'operator', word: 'goBack', version: 2 }))

const halt = { fact: 'halt', version: 2, unload: true, reason: 'it loses orders' } as const
const resumption = { fact: 'resume', version: 2, order: '2026-02-01T00:00:00.000Z' } as const

const journeys: Readonly<Record<string, Journey>> = {
  'an upgrade with a transform in the pause': { log: twoVersions, isOver: isSettledAt(2), runs: [2] },
  'an upgrade with a transform by entries': {
    log: logOf(2, classUpgrade, entries),
    isOver: isSettledAt(2),
    runs: [2]
  },
  'an upgrade to a twin': { log: twins, isOver: isSettledAt(2), runs: [2] },
  'an upgrade to a version that leaves the class alone': {
    log: versions(2, version => (version === 2 ? { classes: [] } : {})).map(each => each.descriptor),
    isOver: peer => peer.isUp && peer.state.running === 2 && phaseOf(peer, 2) === 'committed',
    runs: [2]
  },
  'a walk through four versions': { log: logOf(4, classUpgrade), isOver: isSettledAt(4), runs: [2, 3, 4] },
  'a superseded version, and the one that repairs it': {
    log: [
      ...copies,
      repair(
        versions(2, version => ({ classes: [copies[version - 1]!.classes[0]!] })),
        1
      )
    ],
    isOver: isSettledAt(3),
    runs: [3]
  },
  'going back to a copy': {
    log: copies,
    meanwhile: isUnhealthy,
    isOver: isIn('wentBack'),
    mend: resume,
    runs: [2, 1, 2]
  },
  'going back from a twin': {
    log: twins,
    meanwhile: isUnhealthy,
    isOver: isIn('wentBack'),
    mend: resume,
    runs: [2, 1, 2]
  },
  'a rehearsal that fails': {
    log: twoVersions,
    faults: world => ({ rehearse: version => (version === 2 && world().isBroken ? 'it throws' : undefined) }),
    isOver: isIn('introduceFailed'),
    mend: resume,
    runs: [2]
  },
  'an introduction that fails': {
    log: twoVersions,
    faults: world => ({
      switch: plan =>
        world().isBroken && plan.future.length > 0 ? { cause: 'it does not load', stage: 'loaded' } : undefined
    }),
    isOver: isIn('introduceFailed'),
    mend: resume,
    runs: [2]
  },
  'a host that dies on its probation': {
    log: twoVersions,
    meanwhile: whenever('probation', peer =>
      peer.input({ fact: 'hostExited', plan: peer.state.host.plan?.plan ?? 0, cause: 'exit code 7' })
    ),
    isOver: isIn('introduceFailed'),
    mend: resume,
    runs: [2]
  },
  'a transform that fails': {
    log: twoVersions,
    faults: world => ({
      switch: plan =>
        world().isBroken && isUpgrade(plan) ? { cause: 'the transform threw', stage: 'transforming' } : undefined
    }),
    isOver: isIn('failed'),
    mend: resume,
    runs: [2]
  },
  'a halt that withdraws what waits': {
    log: twoVersions,
    meanwhile: once(
      ({ peer }) => phaseOf(peer, 2) === 'probation',
      ({ peer }) => peer.trust(halt)
    ),
    isOver: isIn('halted'),
    mend: ({ peer }) => peer.trust(resumption),
    runs: [2]
  },
  'a halt of a trial': {
    log: copies,
    meanwhile: once(
      ({ peer }) => phaseOf(peer, 2) === 'trial',
      ({ peer }) => peer.trust(halt)
    ),
    isOver: isIn('wentBack'),
    mend: ({ peer }) => peer.trust(resumption),
    runs: [2, 1, 2]
  }
}

/** What befalls the peer at one moment. */
interface Mishap {
  readonly dies: boolean
  /** How far its clock on the wall jumps: somebody sets it, or it was wrong until it heard better. */
  readonly jumpMs: number
}

/** Goes the whole way and meets with the mishap at this moment, unless it ends before. */
function go(
  journey: Journey,
  moment: number,
  { dies, jumpMs }: Mishap
): { readonly met: boolean; readonly at: string } {
  const simulation = new Simulation({
    peers: 1,
    seed: 7,
    ...(journey.faults === undefined ? {} : { faults: journey.faults(() => world) }),
    timing: { upgradeAttemptsMax: 2 }
  })
  const peer = simulation.peers[0]!
  const world: World = { simulation, peer, isBroken: true }
  let moments = 0
  let at = ''
  peer.killAt = (when, effect) => {
    if (moments++ !== moment) return false
    simulation.wallJumpMs = jumpMs
    at = `${when} ${effect.effect === 'persist' ? JSON.stringify(effect.entries) : effect.effect}`
    if (dies) simulation.rebootLater(peer, rebootMs)
    return dies
  }
  const until = (isOver: (peer: SimulatedPeer) => boolean): void =>
    simulation.run(() => {
      journey.meanwhile?.(world)
      return peer.served() !== undefined && isOver(peer)
    })
  peer.boot()
  for (const each of journey.log) simulation.publish(each)
  until(journey.isOver)
  if (journey.mend !== undefined) {
    // Where it dies of the very word, it has not heard it; who gave it gives it again.
    do {
      simulation.run(() => peer.isUp)
      journey.mend(world)
    } while (!peer.isUp)
    until(isSettledAt(2))
  }
  const where = `${dies ? 'dead' : 'alive'}, ${jumpMs} ms off, ${at}: ${peer.describe()}`
  const runs = peer.disk.journal.flatMap(entry => (entry.type === 'running' ? [entry.version] : []))
  expect(peer.state.damage, where).toBeUndefined()
  expect(runs, where).toEqual(journey.runs)
  expect(peer.served()?.[1], where).toBe(journey.runs.at(-1))
  return { met: at !== '', at }
}

/** The main job takes every so many moments of each journey; a number that two does not divide meets `before` and `after` alike. */
const stride = runsEverything ? 1 : 7

describe('a process that dies at any moment', () => {
  it.each(Object.entries(journeys))('of %s comes to the same end', (_, journey) => {
    let moment = 0
    while (go(journey, moment, { dies: true, jumpMs: 0 }).met) moment += stride
    // Two for each effect; fewer mean that the journey has not been made.
    expect(moment).toBeGreaterThan(40)
  })
})

const dayMs = 86_400_000

describe.each([
  ['a day back', -dayMs],
  ['a day forward', dayMs]
])('a clock that jumps %s at any moment', (_, jumpMs) => {
  it.each(Object.entries(journeys))('of %s, with the process or without it, leads to the same end', (_, journey) => {
    for (const dies of [false, true]) {
      let moment = dies ? 3 : 0
      while (go(journey, moment, { dies, jumpMs }).met) moment += runsEverything ? 1 : 23
      expect(moment).toBeGreaterThan(40)
    }
  })
})
