// Shadows that throw, hang, loop, exit or answer wrongly (§7): of a twin and in the shadowed model, on probation, while version 2 waits, on trial
// and after the commit. Before the commit no call of version 1 fails for it, the simulation object is given up with a reason that says so, and
// what was acknowledged is there once; the upgrade goes on.

import type { PeerStatus } from '@instar/node/control'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Callers } from '../fixtures/ledger/callers.js'
import { runsEverything } from '../fixtures/selection.js'
import { goOn, hasUpgraded, isServing, phaseOf } from './go-on.js'
import { keepAdding, type Steady } from './keep-adding.js'
import { createStage, type Setting, type Stage } from './stage.js'

const timing = { retryMinMs: 200, retryMaxMs: 30_000, stallMs: 3000, heapMiB: 96, memoryMiB: 512 }
const patienceMs = 120_000
const reasonOf = ({ versions }: PeerStatus): string => versions.find(each => each.version === 2)?.reason ?? ''

let load: Steady | undefined
afterEach(() => load?.stop())

function useStage(name: string, setting: Setting) {
  const results: string[] = []
  let tried = 0
  let passed = 0
  let stage: Stage
  beforeAll(async () => {
    stage = await createStage({ ...setting, timing })
  })
  afterAll(async () => {
    console.log(`shadows, ${name}: ${tried} tried, ${passed} passed\n${results.join('\n')}`)
    await stage.stop()
  })

  return {
    get stage() {
      return stage
    },
    get peer() {
      return stage.peer
    },
    async begin(planted: string): Promise<Callers> {
      tried++
      const callers = await stage.stand({ env: { NODE_ENV: `planted: ${planted}` } })
      load = keepAdding(stage.peer, callers, { alsoNew: setting.from !== 'version 1' })
      return callers
    },
    /** The version stands there, for that reason; nobody at version 1 has seen an error. */
    async stands(planted: string, ends: RegExp, reason: RegExp): Promise<void> {
      const status = await stage.peer.until(
        `stands, ${planted}`,
        each => ends.test(phaseOf(each) ?? '') && isServing(each),
        patienceMs
      )
      expect(reasonOf(status), planted).toMatch(reason)
      await load?.check(planted)
      results.push(`${planted}: ${phaseOf(status) ?? ''}, ${reasonOf(status)}`)
    },
    async goesOn(callers: Callers, planted: string): Promise<void> {
      const { peer } = stage
      await peer.stop()
      await peer.start()
      load = keepAdding(peer, callers, { alsoNew: true })
      if (phaseOf(await peer.status()) === 'wentBack') await peer.control.resume(2)
      await peer.control.approve(2)
      await goOn(peer, hasUpgraded, planted)
      await load.check(`${planted}, gone`)
      passed++
    },
    ends(what: string): void {
      results.push(what)
      passed++
    }
  }
}

const poison = { isPoison: true, timeoutMs: 60_000 } as const
const over = /took longer than 1000 ms/

/** What a shadow of version 1's calls may do before the upgrade, and why version 2 is not introduced any more then. */
const before = [
  { what: 'throws', reason: /failed in \$add: planted: it stumbles/ },
  { what: 'hangs', reason: over },
  { what: 'loops', reason: /event loop stood still/ },
  { what: 'exits', reason: /code 9/ }
]

describe.runIf(runsEverything)('a twin whose shadow', () => {
  const suite = useStage('a twin on probation', {
    module: 'ledger/v2-twin-ill',
    from: 'version 1',
    stable: '0s',
    probation: '8s'
  })

  it.each([...before, { what: 'answers wrongly', reason: /the arguments of the equivalent enter/ }])(
    '$what on probation is withdrawn, and the call is made',
    async ({ what, reason }) => {
      const planted = `${what} in $add`
      const callers = await suite.begin(planted)
      await suite.stage.publish()
      await suite.peer.until('is on probation', status => phaseOf(status) === 'probation', patienceMs)
      expect(await callers.add(suite.peer, 1, poison), planted).toBeDefined()
      await suite.stands(planted, /^introduceFailed$/, reason)
      await suite.goesOn(callers, planted)
    }
  )
})

describe.runIf(runsEverything)('a shadowed simulation object whose shadow', () => {
  const suite = useStage('the shadowed model, waiting', {
    module: 'ledger/v2-shadowed-ill',
    back: 'transform',
    from: 'waiting',
    stable: '0s'
  })

  it.each(before)('$what while it waits is withdrawn, and the call is made', async ({ what, reason }) => {
    const planted = `${what} in $add`
    const callers = await suite.begin(planted)
    expect(await callers.add(suite.peer, 1, poison), planted).toBeDefined()
    await suite.stands(planted, /^introduceFailed$/, reason)
    await suite.goesOn(callers, planted)
  })
})

describe.runIf(runsEverything).each([
  { module: 'ledger/v2-twin-ill', cells: ['throws', 'hangs', 'answers wrongly', 'loops'] },
  { module: 'ledger/v2-shadowed-ill', back: 'transform' as const, cells: ['throws', 'loops'] }
])('the old side of $module on trial', ({ cells, ...given }) => {
  const suite = useStage(`trial of ${given.module}`, { ...given, from: 'trial', stable: '1h' })
  const reasons: Readonly<Record<string, RegExp>> = {
    throws: /failed in \$enter: planted: it stumbles/,
    hangs: over,
    'answers wrongly': /the arguments of the equivalent add/,
    loops: /event loop stood still/
  }

  it.each(cells)('goes back where its shadow %s, with every call that was acknowledged', async what => {
    const planted = `${what} in $enter`
    const callers = await suite.begin(planted)
    // It may come again, and be served by what is introduced then.
    await callers.add(suite.peer, 2, { isPoison: true, timeoutMs: 6000 })
    await suite.stands(planted, /^wentBack$/, reasons[what] ?? /^$/)
    await suite.goesOn(callers, planted)
  })
})

describe.runIf(runsEverything)('the old side of a twin on trial', () => {
  const suite = useStage('trial of a twin, by one caller', {
    module: 'ledger/v2-twin-ill',
    from: 'trial',
    stable: '1h'
  })

  it('that exits at the call of one caller costs nobody else a call, and goes back on the word of the operator', async () => {
    const planted = 'exits in $enter'
    const callers = await suite.begin(planted)
    await callers.add(suite.peer, 2, { isPoison: true, timeoutMs: 4000 })
    await suite.peer.until('serves', isServing)
    if (phaseOf(await suite.peer.status()) === 'trial') await suite.peer.control.goBack(2)
    await suite.stands(planted, /^wentBack$/, /operator|code 9/)
    await suite.goesOn(callers, planted)
  })
})

describe.runIf(runsEverything)('the old side of a twin that is committed', () => {
  const suite = useStage('committed', { module: 'ledger/v2-twin-ill', from: 'committed', stable: '0s' })

  it.each([
    { what: 'throws', cause: /failed in \$enter: planted: it stumbles/ },
    { what: 'hangs', cause: over },
    { what: 'loops', cause: /event loop stood still/ }
  ])('is retired where its shadow $what, and the call is made', async ({ what, cause }) => {
    const planted = `${what} in $enter`
    const callers = await suite.begin(planted)
    await load?.stop()
    expect(await callers.add(suite.peer, 2, poison), planted).toBeDefined()
    await suite.peer.until('has retired version 1', status => status.served?.[0] === 2 && isServing(status), patienceMs)
    const refused: unknown[] = []
    await callers.add(suite.peer, 1, { timeoutMs: 4000, onError: error => refused.push(error) })
    expect(String(refused[0]), planted).toMatch(cause)
    for (let i = 0; i < 5; i++) await callers.add(suite.peer, 2)
    await callers.check(suite.peer, planted)
    await suite.peer.stop()
    await suite.peer.start()
    await suite.peer.until('serves', isServing)
    await callers.check(suite.peer, `${planted}, after a start`)
    suite.ends(`${planted}: ${String(refused[0])}`)
  })

  it('that exits again and again at the call of one caller costs nobody else a call', async () => {
    const planted = 'exits in $enter'
    const callers = await suite.begin(planted)
    await callers.add(suite.peer, 2, { isPoison: true, timeoutMs: 4000 })
    const status = await suite.peer.until('serves', isServing)
    expect(status.host.restarts).toBeGreaterThan(0)
    await load?.check(planted)
    expect((await suite.peer.status()).running.version).toBe(2)
    suite.ends(`${planted}: ${status.host.restarts} restarts`)
  })
})
