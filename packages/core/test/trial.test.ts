import { describe, expect, it } from 'vitest'
import {
  compactEntries,
  gatesOf,
  type CallFigures,
  type ClassUpgrade,
  type Effect,
  type Outcome
} from '../src/index.js'
import { classUpgrade, versions } from './descriptors.js'
import { onePeer, phaseOf } from './one-peer.js'
import { Simulation, type SimulatedPeer } from './simulation.js'

const none: CallFigures = { calls: 0, errors: 0, callers: 0, shares: 0, failing: [] }
const usual: CallFigures = { ...none, calls: 1000, callers: 3 }
/** Three of ten calls of each of three callers. */
const bad: CallFigures = {
  calls: 90,
  errors: 27,
  callers: 3,
  shares: 0.9,
  failing: ['a', 'b', 'c'].map(caller => ({ caller, calls: 30, errors: 9 }))
}
/** One of three callers alone. */
const hostile: CallFigures = { ...bad, errors: 30, shares: 1, failing: [{ caller: 'a', calls: 30, errors: 30 }] }

function tell(peer: SimulatedPeer, figures: CallFigures, before: CallFigures | null = usual): void {
  const { running, versions } = peer.state
  const round = versions.get(running)?.trial?.round ?? 0
  const answered = figures.calls - figures.errors
  peer.input({ fact: 'health', version: running, round, figures, answered, ...(before && { before }) })
}

function onTrial(over: Partial<ClassUpgrade> = {}, compact = false): [Simulation, SimulatedPeer] {
  const [simulation, peer] = onePeer(2, () => ({ back: 'copy', ...over }), false, compact)
  simulation.run(() => phaseOf(peer, 2) === 'trial')
  return [simulation, peer]
}

function restart(peer: SimulatedPeer): void {
  peer.kill()
  peer.boot()
}

/** Long after everything that was to happen has happened. */
function later(simulation: Simulation, ms: number): void {
  const until = simulation.nowMs + ms
  simulation.run(() => simulation.nowMs >= until, ms * 2 + 60_000)
}

describe('a trial that its callers find ill', () => {
  it('goes back, says why, and stays back across a restart, with its own gate closed (§1)', () => {
    const [simulation, peer] = onTrial()
    tell(peer, bad)
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    // From that moment on, though its host has it in its plan until the next switch (R22: what only it knows is about to go).
    expect(peer.served()).toEqual([1, 1])
    const [said] = peer.said!.versions
    expect(said).toMatchObject({
      version: 2,
      phase: 'wentBack',
      reason: expect.stringMatching(/^30 % of its calls failed/) as string
    })
    restart(peer)
    later(simulation, 100_000)
    const progress = peer.state.versions.get(2)!
    expect([peer.state.running, progress.phase]).toEqual([1, 'wentBack'])
    const now = { wallMs: simulation.wallMs(), monoMs: simulation.nowMs }
    const health = gatesOf(peer.state, progress, now).find(each => each.name === 'health')
    expect(health?.state).toMatchObject({
      open: false,
      reason: expect.stringMatching(/failed here \(wentBack\): 30 %/) as string
    })
    peer.input({ fact: 'operator', word: 'resume', version: 2 })
    simulation.run(() => peer.isSettledAt(2))
  })

  it('does not go back for one caller, and is committed in spite of it', () => {
    const [simulation, peer] = onTrial()
    tell(peer, hostile)
    simulation.run(() => phaseOf(peer, 2) === 'committed')
  })

  it('is held where its policy says so, until its operator keeps it, sends it back, or has it judged anew', () => {
    const hold: Partial<ClassUpgrade> = { health: { onFailure: 'hold' } }
    const words = { approve: 'committed', goBack: 'wentBack', resume: 'committed' } as const
    for (const [word, end] of Object.entries(words)) {
      const [simulation, peer] = onTrial(hold)
      tell(peer, bad)
      later(simulation, 50_000)
      restart(peer)
      later(simulation, 50_000)
      expect([phaseOf(peer, 2), peer.said!.versions[0]?.reason]).toEqual([
        'trial',
        expect.stringMatching(/^it is held on trial because it failed: 30 %/)
      ])
      peer.input({ fact: 'operator', word: word as keyof typeof words, version: 2 })
      if (word === 'resume') tell(peer, { ...usual, calls: 200 })
      simulation.run(() => phaseOf(peer, 2) === end)
    }
  })

  it('has no way back where its author left none, and that is said', () => {
    const [simulation, peer] = onTrial({ back: 'none' })
    tell(peer, bad)
    expect(peer.state.versions.get(2)?.trial?.ill).toMatch(/^30 %/)
    simulation.run(() => phaseOf(peer, 2) === 'committed')
  })

  it('is compared with the time before its switch after a restart, too', () => {
    const [simulation, peer] = onTrial({ stableMs: 60_000 })
    tell(peer, none)
    restart(peer)
    tell(peer, bad, null)
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
  })

  it('is not judged by errors where nothing was measured before', () => {
    const [simulation, peer] = onTrial()
    tell(peer, bad, null)
    peer.input({ fact: 'tick' })
    expect(phaseOf(peer, 2)).toBe('trial')
    simulation.run(() => phaseOf(peer, 2) === 'committed')
  })

  it('ignores figures of a round that is over, and of a version that is not on trial', () => {
    const [simulation, peer] = onTrial()
    peer.input({ fact: 'operator', word: 'resume', version: 2 })
    peer.input({ fact: 'health', version: 2, round: 0, figures: bad, answered: 63, before: usual })
    peer.input({ fact: 'health', version: 1, round: 1, figures: bad, answered: 63, before: usual })
    simulation.run(() => phaseOf(peer, 2) === 'committed')
  })
})

describe('how often and how long', () => {
  it('a trial that failed is tried again by itself as often as its policy says, across restarts', () => {
    const [simulation, peer] = onTrial({ health: { retry: 1, retryAfterMs: 20_000 } })
    tell(peer, bad)
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    const wentBackMs = simulation.nowMs
    peer.disk.journal = [...compactEntries(peer.state, { wallMs: simulation.wallMs(), monoMs: simulation.nowMs })]
    restart(peer)
    simulation.run(() => phaseOf(peer, 2) === 'trial')
    expect(simulation.nowMs - wentBackMs).toBeGreaterThanOrEqual(20_000)
    tell(peer, bad)
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    restart(peer)
    later(simulation, 200_000)
    expect(phaseOf(peer, 2)).toBe('wentBack')
  })

  it('a trial that an operator ended is not', () => {
    const [simulation, peer] = onTrial({ health: { retry: 9, retryAfterMs: 1000 } })
    peer.input({ fact: 'operator', word: 'goBack', version: 2 })
    later(simulation, 100_000)
    expect(phaseOf(peer, 2)).toBe('wentBack')
  })

  it('a trial without calls is committed when it has been idle for its time', () => {
    const [simulation, peer] = onTrial({ health: { idleCommitMs: 30_000 } })
    const begunMs = simulation.nowMs
    simulation.run(() => phaseOf(peer, 2) === 'committed')
    expect(simulation.nowMs - begunMs).toBeGreaterThanOrEqual(30_000)
    const [called, other] = onTrial({ health: { idleCommitMs: 30_000 } })
    const calledMs = called.nowMs
    tell(other, { ...usual, calls: 20 })
    called.run(() => phaseOf(other, 2) === 'committed')
    expect(called.nowMs - calledMs).toBeLessThan(30_000)
  })

  describe.each([
    ['forward', 1],
    ['back', -1]
  ])('a clock that jumps a day %s and a restart', (_, sign) => {
    const dayMs = 86_400_000
    const jump = (simulation: Simulation, peer: SimulatedPeer): void => {
      simulation.wallJumpMs += sign * dayMs
      // Twice: what the first start has left out of its journal, the second does not know.
      restart(peer)
      restart(peer)
    }

    it.each([false, true])('neither commit an idle trial early nor late (compacted: %s)', compact => {
      const idleCommitMs = 3_600_000
      const [simulation, peer] = onTrial({ health: { idleCommitMs } }, compact)
      const begunMs = simulation.nowMs
      later(simulation, idleCommitMs / 2)
      jump(simulation, peer)
      simulation.run(() => phaseOf(peer, 2) === 'committed', 2 * idleCommitMs)
      const tookMs = simulation.nowMs - begunMs
      // A restart forgets a sixteenth at most.
      expect(tookMs).toBeGreaterThanOrEqual(idleCommitMs)
      expect(tookMs).toBeLessThan(idleCommitMs * (1 + 1 / 16) + 60_000)
    })

    it('let no trial run out of time', () => {
      const [simulation, peer] = onTrial({ health: { idleCommitMs: 9 * dayMs, timeoutMs: 3_600_000 } })
      jump(simulation, peer)
      later(simulation, 3_000_000)
      expect(phaseOf(peer, 2)).toBe('trial')
      later(simulation, 1_000_000)
      expect(phaseOf(peer, 2)).toBe('wentBack')
    })

    it('make the pause before another trial no longer', () => {
      const retryAfterMs = 600_000
      const [simulation, peer] = onTrial({ health: { retry: 1, retryAfterMs } })
      tell(peer, bad)
      simulation.run(() => phaseOf(peer, 2) === 'wentBack')
      const backMs = simulation.nowMs
      jump(simulation, peer)
      simulation.run(() => phaseOf(peer, 2) === 'trial', 2 * retryAfterMs)
      expect(simulation.nowMs - backMs).toBeLessThan(retryAfterMs + 60_000)
    })
  })

  it('a trial that an operator has judged anew counts from there after a restart, too', () => {
    const [simulation, peer] = onTrial({ health: { idleCommitMs: 3_600_000 } })
    later(simulation, 3_000_000)
    peer.input({ fact: 'operator', word: 'resume', version: 2 })
    restart(peer)
    later(simulation, 3_000_000)
    expect(phaseOf(peer, 2)).toBe('trial')
  })

  it('a trial that its timeout finds uncommitted goes back, but for stale trust', () => {
    const health = { idleCommitMs: 100_000, timeoutMs: 30_000 }
    const [simulation, peer] = onTrial({ health })
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    expect(peer.said!.versions[0]?.reason).toMatch(
      /could not be committed within 30 s: not committed yet: fewer than 20 calls/
    )
    const [stale, other] = onTrial({ health })
    tell(other, { ...usual, calls: 20 })
    other.input({ fact: 'freshUntil', untilMs: 0 })
    later(stale, 100_000)
    expect(phaseOf(other, 2)).toBe('trial')
    other.input({ fact: 'freshUntil', untilMs: Number.MAX_SAFE_INTEGER })
    expect(phaseOf(other, 2)).toBe('committed')
  })
})

describe('a probe', () => {
  const missed: Outcome = { of: 'probe', ok: false, code: 'OutOfContract', cause: 'it threw' }
  const probed = (version: number): Partial<ClassUpgrade> =>
    version === 1 ? {} : { back: 'copy', probationMs: 0, health: { probe: { method: 'size', everyMs: 500 } } }
  type Answer = (probe: Extract<Effect, { effect: 'probe' }>) => Extract<Outcome, { of: 'probe' }> | undefined

  function world(answer: Answer): [Simulation, SimulatedPeer, number[]] {
    const asked: number[] = []
    const probe = (_: SimulatedPeer, effect: Extract<Effect, { effect: 'probe' }>) => {
      asked.push(effect.version)
      return answer(effect)
    }
    const simulation = new Simulation({ peers: 1, seed: 1, probe })
    const peer = simulation.peers[0]!
    peer.boot()
    peer.input({ fact: 'operator', word: 'hold' })
    for (const { descriptor } of versions(2, version => ({ classes: [classUpgrade(version, probed(version))] })))
      simulation.publish(descriptor)
    simulation.run(() => phaseOf(peer, 2) === 'waiting' && asked.length > 1)
    peer.input({ fact: 'operator', word: 'resume' })
    return [simulation, peer, asked]
  }

  it('that is missed again and again sends the version back, whoever calls or not', () => {
    const [simulation, peer, asked] = world(({ version }) => (version === 2 ? missed : undefined))
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
    expect(asked.filter(version => version === 2)).toHaveLength(3)
    expect(peer.said!.versions[0]?.reason).toBe('it missed 3 probes of size in a row: it threw')
  })

  it('that the version before missed too is not judged', () => {
    const [simulation, peer] = world(() => missed)
    simulation.run(() => phaseOf(peer, 2) === 'committed')
  })

  it('that the version before does not know has nothing to compare with', () => {
    const unknown: Outcome = { of: 'probe', ok: false, code: 'UnknownMethod', cause: 'no such method' }
    const [simulation, peer] = world(({ version }) => (version === 2 ? missed : unknown))
    simulation.run(() => phaseOf(peer, 2) === 'wentBack')
  })

  it('that meets no host says nothing', () => {
    const down: Outcome = { of: 'probe', ok: false, code: 'Upgrading', cause: 'no host takes calls now' }
    let times = 0
    const [simulation, peer] = world(({ version }) => (version === 2 && ++times < 9 ? down : undefined))
    simulation.run(() => phaseOf(peer, 2) === 'committed')
    expect(times).toBeGreaterThanOrEqual(9)
  })
})

describe('the health gate of the others', () => {
  it('closes by two peers that went back, or by more where the descriptor says so (§1)', () => {
    for (const [abortPercent, isOpen] of [
      [20, false],
      [80, true]
    ] as const) {
      const simulation = new Simulation({ peers: 4, seed: 3 })
      const [first, ...others] = simulation.peers
      first!.boot()
      const log = versions(2, version => ({
        classes: [
          classUpgrade(version, version === 1 ? {} : { back: 'copy', stableMs: 60_000, health: { abortPercent } })
        ]
      }))
      simulation.publish(log[0]!.descriptor)
      simulation.run(() => first!.state.running === 1 && first!.state.host.status === 'up')
      for (const peer of others) peer.boot()
      simulation.run(() => others.every(peer => peer.state.host.status === 'up'))
      for (const peer of others.slice(1)) peer.input({ fact: 'operator', word: 'hold' })
      simulation.publish(log[1]!.descriptor)
      simulation.run(() => [first!, others[0]!].every(peer => phaseOf(peer, 2) === 'trial'))
      for (const peer of [first!, others[0]!]) tell(peer, bad)
      simulation.run(() => [first!, others[0]!].every(peer => phaseOf(peer, 2) === 'wentBack'))
      later(simulation, 5000)
      const last = others.at(-1)!
      const now = { wallMs: simulation.wallMs(), monoMs: simulation.nowMs }
      const gates = gatesOf(last.state, last.state.versions.get(2)!, now)
      expect(gates.find(each => each.name === 'health')?.state.open).toBe(isOpen)
      if (isOpen) continue
      last.input({ fact: 'operator', word: 'resume' })
      later(simulation, 30_000)
      expect(phaseOf(last, 2)).toBe('waiting')
      last.input({ fact: 'operator', word: 'resume', version: 2 })
      simulation.run(() => phaseOf(last, 2) === 'trial')
    }
  })
})
