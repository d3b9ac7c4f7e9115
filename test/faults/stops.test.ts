// A halt, and a version that supersedes it, reach a peer in each phase of version 2 (§4, §15): it stands where the protocol says, no caller of
// version 1 sees an error, every acknowledged call is there once, and the repair is reached. The peer is held in the phase until they are there.

import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createCallers, type Callers } from '../fixtures/ledger/callers.js'
import { fixtureModule } from '../fixtures/modules.js'
import { runsEverything } from '../fixtures/selection.js'
import { hasUpgraded, isServing, phaseOf } from './go-on.js'
import { keepAdding, type Steady } from './keep-adding.js'
import { plant } from './strike.js'
import { keepTemplate } from './template.js'

const patienceMs = 120_000

const repair = {
  modules: [fixtureModule('ledger/v3')],
  supersedes: 2,
  from: { 1: fixtureModule('ledger/v3-from-1') },
  stable: '0s',
  retireAfter: '1h'
} as const

/** Where version 2 stands after a halt in this phase. */
const phases = {
  rehearsing: /^halted$/,
  introducing: /^halted$/,
  probation: /^halted$/,
  // Introduced, it goes on serving.
  waiting: /^waiting$/,
  preparing: /^(waiting|wentBack)$/,
  // While the peer was held its host has gone on: the word comes too late for a safe point, and the trial goes back at once.
  draining: /^(waiting|wentBack)$/,
  transforming: /^(waiting|wentBack)$/,
  activating: /^(waiting|wentBack)$/,
  trial: /^wentBack$/,
  goingBack: /^wentBack$/,
  committed: /^committed$/
} as const
type Phase = keyof typeof phases
const all = Object.keys(phases) as Phase[]

async function instar(words: readonly string[]): Promise<void> {
  const { code, out, err } = await runInstar(words)
  expect(code, `${words.join(' ')}: ${err}${out}`).toBe(0)
}

let load: Steady
afterEach(() => load.stop())

describe.runIf(runsEverything)('version 2,', () => {
  let network: LocalNetwork
  let peer: LocalPeer
  let startAgain: Awaited<ReturnType<typeof keepTemplate>>
  let known: Callers
  /** What the signer wrote down of its halts is put back with everything else. */
  let keys: string
  let version2: string
  let version3: string
  let tried = 0
  let passed = 0

  beforeAll(async () => {
    network = await createLocalNetwork({ classes: [fixtureModule('ledger/v1')] })
    peer = network.addPeer('peer')
    await peer.start({ timing: { retryMinMs: 200, retryMaxMs: 1000 } })
    await peer.until('serves', isServing)
    known = createCallers()
    for (let i = 0; i < 10; i++) await known.add(peer)
    startAgain = await keepTemplate(peer)
    await startAgain()
    await peer.until('serves', isServing)
    version2 = await network.buildUpgrade(peer, {
      modules: [fixtureModule('ledger/v2-back')],
      back: 'transform',
      // Long enough to be sent back, and short enough to wait for its commit.
      stable: '8s',
      retireAfter: '1h'
    })
    await peer.control.hold('all')
    await network.publish(peer, version2)
    await peer.until('knows version 2', status => status.newest === 2)
    version3 = await network.buildUpgrade(peer, { ...repair, back: 'none' })
    keys = `${network.keysDirectory}.template`
    await cp(network.keysDirectory, keys, { recursive: true })
  })
  afterAll(async () => {
    console.log(`halts and superseding versions: ${tried} of ${2 * all.length} cells tried, ${passed} passed`)
    await network.stop()
  })

  const order = (word: 'halt' | 'resume'): Promise<void> =>
    instar([
      ...[word, '2', '--reason', 'it loses lines', '--yes', '--keys', network.keysDirectory],
      ...['--data', peer.dataDirectory, '-o', join(network.directory, `${word}.json`), '--wait', '0s']
    ])

  /** Version 2 is in this phase, and stays in it until something becomes trusted; callers call. */
  async function stand(phase: Phase): Promise<Callers> {
    tried++
    const held = plant(peer, `hold:${phase}@2`)
    // Version 2 is news itself: what is published before the phase is there does not end it.
    await startAgain(held.options)
    await rm(network.keysDirectory, { recursive: true })
    await cp(keys, network.keysDirectory, { recursive: true })
    await peer.until('serves', isServing)
    const callers = known.copy()
    load = keepAdding(peer, callers)
    await network.publish(peer, version2)
    if (phase === 'goingBack') {
      await peer.until('is on trial', status => phaseOf(status) === 'trial')
      await peer.control.goBack(2)
    }
    await held.within(patienceMs)
    expect(phaseOf(await peer.status())).toBe(phase)
    return callers
  }

  it.each(all)('halted while it is %s', async phase => {
    const callers = await stand(phase)
    await order('halt')
    const status = await peer.until(
      'stands',
      each => phases[phase].test(phaseOf(each) ?? '') && isServing(each),
      patienceMs
    )
    expect(status.running.version).toBe(phase === 'committed' ? 2 : 1)
    await load.check(phase)
    load = keepAdding(peer, callers)
    await order('resume')
    await peer.until('goes to version 2', hasUpgraded, patienceMs)
    await load.check(phase)
    passed++
  })

  it.each(all)('superseded while it is %s', async phase => {
    await stand(phase)
    await network.publish(peer, version3)
    const status = await peer.until(
      'is at its repair',
      each => each.running.version === 3 && phaseOf(each, 3) === 'committed' && isServing(each),
      patienceMs
    )
    expect(phaseOf(status) ?? 'superseded').toMatch(/^(superseded|committed|wentBack)$/)
    await load.check(phase)
    passed++
  })
})

describe.runIf(runsEverything)('a transform that does not end', () => {
  let network: LocalNetwork
  afterEach(() => network.stop())

  it.each(['halted', 'superseded'] as const)(
    'is ended when its version is %s, and nothing of it is left',
    async how => {
      network = await createLocalNetwork({ classes: [fixtureModule('ledger/v1')] })
      const peer = network.addPeer('peer')
      await peer.start({ env: { NODE_ENV: 'planted: hangs' } })
      await peer.until('serves', isServing)
      const callers = createCallers()
      // It stumbles at the seventh line, so that its rehearsal goes well.
      for (let i = 0; i < 5; i++) await callers.add(peer)
      const upgrade = { modules: [fixtureModule('ledger/v2-misbehaves')], schedule: 'manual', stable: '0s' }
      await network.upgrade(peer, { ...upgrade, retireAfter: '1h' })
      await peer.until('is rehearsed', ({ versions }) =>
        versions.some(each => each.phase === 'waiting' && each.reason?.includes('by its rehearsal') === true)
      )
      const proposal = await network.buildUpgrade(peer, {
        modules: [fixtureModule('ledger/v3')],
        supersedes: 2,
        from: { 1: fixtureModule('ledger/v3-from-1') },
        stable: '0s',
        retireAfter: '1h'
      })
      for (let i = 0; i < 10; i++) await callers.add(peer)
      await peer.control.approve(2)
      await peer.until('transforms', status => phaseOf(status) === 'transforming')
      load = keepAdding(peer, callers)
      if (how === 'halted') {
        await instar([
          ...['halt', '2', '--reason', 'it hangs', '--yes', '--keys', network.keysDirectory],
          ...['--data', peer.dataDirectory, '-o', join(network.directory, 'halt.json'), '--wait', '0s']
        ])
        const status = await peer.until('waits', each => phaseOf(each) === 'waiting' && isServing(each), patienceMs)
        expect(status.running.version).toBe(1)
        await load.check(how)
        load = keepAdding(peer, callers)
      }
      await network.publish(peer, proposal)
      await peer.until(
        'is at its repair',
        each => each.running.version === 3 && phaseOf(each, 3) === 'committed' && isServing(each),
        patienceMs
      )
      await load.check(how)
    }
  )
})
