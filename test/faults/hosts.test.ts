// Hosts that never become ready, become so late, answer slowly or die, by the doing of version 2's code, in each part of its life: its
// introduction, its probation, while it waits, in the switch, on trial and on the way back. Callers of version 1 see no error, the phase and its
// reason say what happened, and when the fault is gone the upgrade goes on.

import type { Client } from '@instar/client'
import type { LocalPeer } from '@instar/local-network'
import type { PeerStatus } from '@instar/node/control'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Callers } from '../fixtures/ledger/callers.js'
import { fixtureModule } from '../fixtures/modules.js'
import { runsEverything } from '../fixtures/selection.js'
import { goOn, hasUpgraded, isServing, phaseOf } from './go-on.js'
import { keepAdding, type Steady } from './keep-adding.js'
import { createStage, type Setting, type Stage } from './stage.js'

const timing = {
  retryMinMs: 200,
  // A host that has been up for so long has not failed twice in a row.
  retryMaxMs: 30_000,
  upgradeAttemptsMax: 1,
  drainMs: 2000,
  loadMs: 10_000,
  transformMs: 3000,
  stallMs: 3000,
  heapMiB: 96,
  memoryMiB: 512
}
const setting: Omit<Setting, 'from'> = { module: 'ledger/v2-ill', back: 'transform', stable: '1h', timing }
const patienceMs = 120_000

const reasonOf = ({ versions }: PeerStatus): string => versions.find(each => each.version === 2)?.reason ?? ''

/** What is planted, and where version 2 stands because of it. */
interface Cell {
  readonly planted: string
  readonly ends: RegExp
  readonly reason?: RegExp
}
const cell = (planted: string, ends: RegExp, reason?: RegExp): Cell => ({
  planted,
  ends,
  ...(reason === undefined ? {} : { reason })
})

let load: Steady | undefined
afterEach(() => load?.stop())

/** A stage for all cells of a suite. */
function useStage(from: Setting['from'], name: string, over: Partial<Setting> = {}) {
  const results: string[] = []
  let tried = 0
  let passed = 0
  let stage: Stage
  beforeAll(async () => {
    stage = await createStage({ ...setting, ...over, from })
  })
  afterAll(async () => {
    console.log(`hosts, ${name}: ${tried} tried, ${passed} passed\n${results.join('\n')}`)
    await stage.stop()
  })

  return {
    get stage() {
      return stage
    },
    get peer(): LocalPeer {
      return stage.peer
    },
    /** Stands where the suite begins, with the fault planted, and is called. */
    async begin({ planted }: Cell, load = true): Promise<Callers> {
      tried++
      const callers = await stage.stand({ env: { NODE_ENV: `planted: ${planted}` } })
      if (load) startCalling(stage.peer, callers)
      return callers
    },
    /** Version 2 comes to stand where the cell says, for the reason that it says, and nobody at version 1 has seen an error. */
    async stands({ planted, ends, reason = /^/ }: Cell): Promise<PeerStatus> {
      const status = await stage.peer.until(
        `stands, ${planted}`,
        each => ends.test(phaseOf(each) ?? '') && reason.test(reasonOf(each)) && isServing(each),
        patienceMs
      )
      await load?.check(planted)
      results.push(`${planted}: ${phaseOf(status) ?? ''}, ${reasonOf(status)}`)
      return status
    },
    /** What was planted is gone with its process: the upgrade goes all the way. */
    async goesOn(callers: Callers, { planted }: Cell): Promise<void> {
      const { peer } = stage
      await load?.stop()
      await peer.stop()
      await peer.start()
      startCalling(peer, callers)
      if (from === 'trial') {
        await peer.until('went back', each => phaseOf(each) === 'wentBack' && isServing(each), patienceMs)
        expect((await peer.status()).running.version).toBe(1)
      }
      if (phaseOf(await peer.status()) === 'wentBack') await peer.control.resume(2)
      await peer.control.approve(2)
      await goOn(peer, hasUpgraded, planted)
      await load?.check(`${planted}, gone`)
      passed++
    }
  }
}

function startCalling(peer: LocalPeer, callers: Callers, by?: Client): void {
  load = keepAdding(peer, callers, { alsoNew: true, who: by === undefined ? [{}] : [{}, { by }] })
}

/** A call that meets with what is planted in its method; what comes of it is not its caller's to judge. */
const poison = (peer: LocalPeer, callers: Callers, timeoutMs = 4000) =>
  callers.add(peer, 2, { isPoison: true, timeoutMs })

describe.runIf(runsEverything)('version 2, when it is introduced', () => {
  const suite = useStage('version 1', 'introduction', { probation: '4s', stable: '0s' })

  it.each([
    cell('hangs in import', /^introduceFailed$/, /did not load its code within 10000 ms/),
    cell('hangs in import for real', /^introduceFailed$/, /did not load its code within 10000 ms/),
    cell('exits in import for real', /^introduceFailed$/, /code 9/),
    cell('loops in import for real', /^introduceFailed$/, /did not load its code within 10000 ms/),
    cell('fills the heap in import for real', /^introduceFailed$/, /memory|heap|SIG/),
    // On its probation, at the latest.
    cell('exits later in import for real', /^introduceFailed$/, /code 9/),
    // That far it has got only when the state has been taken from the host that served.
    cell('throws in initialize for real', /^introduceFailed$/, /it stumbles/),
    cell('takes its time in import for real', /^waiting$/)
  ])('its host, which $planted, costs the one that serves nothing', async each => {
    const callers = await suite.begin(each)
    await suite.stage.publish()
    const { host, running } = await suite.stands(each)
    expect(running.version).toBe(1)
    if (!each.planted.includes('later')) expect(host.restarts).toBe(0)
    await suite.goesOn(callers, each)
  })

  it.each([
    cell('loops in future', /^introduceFailed$/, /event loop stood still/),
    cell('exits in future', /^introduceFailed$/, /code 9/),
    cell('throws later in future', /^introduceFailed$/, /out of the event loop/),
    cell('fills the heap in future', /^introduceFailed$/, /memory|heap/),
    cell('hangs in future', /^waiting$/),
    cell('computes in future', /^waiting$/)
  ])('once it is introduced, where it $planted, costs version 1 no call', async each => {
    const callers = await suite.begin(each)
    const { peer } = suite
    await suite.stage.publish()
    // Before that nobody's call gets to it.
    await peer.until('is introduced', status => status.served?.[1] === 2, patienceMs)
    const isGivenUp = (status: PeerStatus): boolean => phaseOf(status) === 'introduceFailed'
    for (let times = 0; times < 4 && !isGivenUp(await peer.status()); times++) {
      const { host } = await peer.status()
      await poison(peer, callers)
      if (each.ends.test('introduceFailed'))
        await peer.until('has met it', now => isGivenUp(now) || now.host.restarts > host.restarts, patienceMs)
    }
    const { running } = await suite.stands(each)
    expect(running.version).toBe(1)
    await suite.goesOn(callers, each)
  })
})

describe.runIf(runsEverything)('version 2, while it waits,', () => {
  const suite = useStage('waiting', 'waiting and switch')

  it.each([
    cell('hangs in import', /^introduceFailed$/, /did not load its code within 10000 ms/),
    cell('exits in import', /^introduceFailed$/, /code 9/),
    cell('exits later in import', /^introduceFailed$/, /code 9/)
  ])('is given up where its peer is started again and its code $planted', async each => {
    const callers = await suite.begin(cell('nothing', each.ends), false)
    await suite.peer.stop()
    await suite.peer.start({ env: { NODE_ENV: `planted: ${each.planted}` } })
    // Nobody calls version 2: nothing points to it but that it is new.
    load = keepAdding(suite.peer, callers, { who: [{}, {}, {}] })
    const { running } = await suite.stands(each)
    expect(running.version).toBe(1)
    await suite.goesOn(callers, each)
  })

  it.each([
    cell('exits at once in end for real', /^failed$/, /code 9/),
    // It has become the object: what ends it once does not end its trial.
    cell('exits later in end for real', /^trial$/)
  ])('has a host that $planted, when its transform has ended', async each => {
    const callers = await suite.begin(each)
    await suite.peer.control.approve(2)
    if (each.ends.test('trial'))
      await suite.peer.until('has met it', ({ host }) => host.restarts > 0 && host.pid !== undefined, patienceMs)
    const { running } = await suite.stands(each)
    expect(running.version).toBe(each.ends.test('trial') ? 2 : 1)
    await suite.goesOn(callers, each)
  })
})

describe.runIf(runsEverything)('version 2, on trial,', () => {
  const suite = useStage('trial', 'trial and way back')

  it.each([
    cell('exits later in object', /^wentBack$/, /code 9/),
    cell('throws later in object', /^wentBack$/, /out of the event loop/)
  ])('goes back by itself where it $planted again and again', async each => {
    const callers = await suite.begin(each, false)
    const { peer } = suite
    // Two callers: what meets only one might be its own doing (§15).
    const client = await suite.stage.network.client()
    startCalling(peer, callers, client)
    for (let times = 0; times < 6 && phaseOf(await peer.status()) === 'trial'; times++) {
      const { host } = await peer.status()
      await poison(peer, callers)
      await peer.until(
        'has met it',
        status => status.host.restarts > host.restarts || phaseOf(status) !== 'trial',
        patienceMs
      )
    }
    await suite.stands(each)
    await client.close()
    await suite.goesOn(callers, each)
  })

  it.each([
    cell('loops in object', /^trial$/),
    cell('fills the heap in object', /^trial$/),
    cell('hangs in object', /^trial$/),
    cell('computes in object', /^trial$/)
  ])('stays where it $planted for one caller, and goes back on the word of the operator', async each => {
    const callers = await suite.begin(each)
    for (let times = 0; times < 2; times++) await poison(suite.peer, callers, 6000)
    await suite.stands(each)
    startCalling(suite.peer, callers)
    await suite.peer.control.goBack(2)
    await suite.stands({ ...each, ends: /^wentBack$/, reason: /an operator/ })
    await suite.goesOn(callers, each)
  })

  it.each([cell('hangs in object', /^wentBack$/), cell('loops in object', /^wentBack$/)])(
    'goes back while it $planted',
    async each => {
      const callers = await suite.begin(each)
      const call = poison(suite.peer, callers, 20_000)
      // It has begun: nobody is told of that.
      await new Promise(resolve => setTimeout(resolve, 500))
      await suite.peer.control.goBack(2)
      await suite.stands(each)
      await call
      await suite.goesOn(callers, each)
    }
  )

  it.each([
    cell('throws in reverse for real', /^goingBack$/, /way back failed: .*it stumbles/),
    cell('hangs in reverse for real', /^goingBack$/, /way back failed: .*3000 ms/),
    cell('exits in reverse for real', /^goingBack$/, /way back failed: .*code 9/),
    cell('loops in reverse for real', /^goingBack$/, /way back failed: .*3000 ms/)
  ])('serves on where the way back $planted, says so, and goes back when it can', async each => {
    const callers = await suite.begin(each)
    await suite.peer.control.goBack(2)
    const { running, problems } = await suite.stands(each)
    expect(running.version).toBe(2)
    expect(problems.join('\n')).toMatch(each.reason!)
    await suite.goesOn(callers, each)
  })
})

describe.runIf(runsEverything)('version 2 with a probe, on trial,', () => {
  const suite = useStage('waiting', 'probes', { health: 'probe:entries/500ms/1500ms/2' })

  it('goes back by itself where it answers too slowly', async () => {
    const each = cell('takes its time in query for real', /^wentBack$/, /missed 2 probes/)
    const callers = await suite.begin(each)
    await suite.peer.control.approve(2)
    await suite.stands(each)
    await suite.goesOn(callers, each)
  })
})

describe.runIf(runsEverything)('a way back that never leads there', () => {
  let stage: Stage
  afterEach(() => stage.stop())

  it('does not keep away what supersedes the version', async () => {
    stage = await createStage({ ...setting, from: 'trial' })
    const { peer, network } = stage
    const callers = await stage.stand({ env: { NODE_ENV: 'planted: throws in reverse for real' } })
    load = keepAdding(peer, callers)
    await peer.control.goBack(2)
    await peer.until('fails to go back', status => reasonOf(status).includes('way back failed'), patienceMs)
    const repair = await network.buildUpgrade(peer, {
      modules: [fixtureModule('ledger/v3')],
      supersedes: 2,
      from: { 1: fixtureModule('ledger/v3-from-1') },
      back: 'none',
      stable: '0s',
      retireAfter: '1h'
    })
    await network.publish(peer, repair)
    await peer.until(
      'is at its repair',
      each => each.running.version === 3 && phaseOf(each, 3) === 'committed' && isServing(each),
      patienceMs
    )
    await load.check('a repair')
  })
})
