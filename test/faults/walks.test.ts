// A peer that comes back two versions late, and dies on the way (§14): of the peer, its hosts and both at each step of its walk, by what its
// neighbours say or by what an offline bundle says of them. It comes out with the answers of a peer that went in time.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeJournal } from '@instar/core'
import { createLocalNetwork, runInstar, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixtureModule } from '../fixtures/modules.js'
import { runsEverything } from '../fixtures/selection.js'
import { goOn, isServing, phaseOf, type Arrival } from './go-on.js'
import { plant } from './strike.js'
import { keepTemplate } from './template.js'

const victims = { kill: 'the peer', 'kill-hosts': 'its hosts', 'kill-all': 'both' } as const
const sides = ['before', 'after'] as const
/** The trial is of the last version only, and all of them are committed with it. */
const moments = [
  'rehearse@3',
  'walk',
  'preparing@3',
  'switchHost@3',
  'draining@3',
  'stage-transforming',
  'stage-transformed',
  'transforming@3',
  'activating@3',
  'running@3',
  'trial@3',
  'committed@3'
]
/** The same walk, of which nobody near tells it. */
const momentsAlone = ['rehearse@3', 'walk', 'preparing@3', 'switchHost@3', 'transforming@3', 'running@3', 'committed@3']
const strikeMs = 60_000
/** Every so many-th cell, so that a run of a part meets all moments and all victims. */
const every = Number(process.env['INSTAR_KILLS_EVERY'] ?? '1')

const cellsOf = (names: readonly string[]) =>
  names
    .flatMap(moment =>
      sides
        .filter(side => side === 'before' || !moment.startsWith('stage-'))
        .flatMap(side => Object.entries(victims).map(([victim, who]) => ({ word: `${victim}:${side}:${moment}`, who })))
    )
    .filter((_, i) => (i + Math.floor(i / 3)) % every === 0)

/** Whether it has taken both versions, and is as its neighbour is. */
const hasArrived: Arrival = status =>
  status.running.version === 3 && phaseOf(status, 3) === 'committed' && isServing(status) && status.served?.[0] === 1

const ask = async (peer: LocalPeer, version: number, method: string, ...args: readonly number[]): Promise<unknown> =>
  (await peer.control.call({ method, args: [...args], version, timeoutMs: 20_000 })).result

/** Everything that can be asked at every version, before and after a call at each. */
async function answersOf(peer: LocalPeer): Promise<unknown> {
  const all = async () => [
    await ask(peer, 1, 'lines'),
    await ask(peer, 2, 'entries'),
    await ask(peer, 3, 'entries'),
    await ask(peer, 3, 'size')
  ]
  const before = await all()
  const made = [
    await ask(peer, 1, 'add', 101),
    await ask(peer, 2, 'enter', 102),
    await ask(peer, 3, 'enter', 103),
    await ask(peer, 1, 'add', 104)
  ]
  return { before, made, after: await all() }
}

/** Each version that its object has run, in the order of its journal. */
async function versionsRun(peer: LocalPeer): Promise<number[]> {
  const journal = decodeJournal(await readFile(join(peer.dataDirectory, 'journal')))
  const records = journal.outcome === 'damaged' ? [] : journal.records
  return records.flatMap(({ type, body }) => (type === 'running' ? [(body as { version: number }).version] : []))
}

describe.runIf(runsEverything)('a peer that is two versions late', () => {
  let network: LocalNetwork
  let inTime: LocalPeer
  let late: LocalPeer
  let startLate: Awaited<ReturnType<typeof keepTemplate>>
  let answers: unknown
  const walked: number[] = []
  let tried = 0

  beforeAll(async () => {
    network = await createLocalNetwork({ classes: [fixtureModule('ledger/v1')] })
    const timing = { introduceGraceMs: 500, lookEveryMs: 500, retryMinMs: 200, retryMaxMs: 1000, upgradeAttemptsMax: 5 }
    ;[inTime, late] = (await network.startPeers(['in time', 'late'], { timing })) as [LocalPeer, LocalPeer]
    for (const peer of [inTime, late]) {
      await peer.until('serves', isServing)
      for (let i = 1; i <= 10; i++) await ask(peer, 1, 'add', i)
    }
    startLate = await keepTemplate(late)
    for (const version of [2, 3]) {
      await network.upgrade(inTime, { modules: [fixtureModule(`ledger/v${version}`)], stable: '0s', retireAfter: '1h' })
      await inTime.until('has upgraded', ({ floor, running }) => running.version === version && floor === version)
    }
    answers = await answersOf(inTime)
  })
  afterAll(async () => {
    console.log(
      `late peers: ${tried} of ${cellsOf(moments).length + cellsOf(momentsAlone).length} cells, ${walked.length} passed; ${walked.filter(each => each === 1).length} in one switch`
    )
    await network.stop()
  })

  /** It is at version 3 whatever died, and nothing that can be asked tells it from the one that went in time. */
  async function seeThrough(where: string, strike: () => Promise<void>): Promise<void> {
    await goOn(late, hasArrived, where)
    await strike()
    await goOn(late, hasArrived, where)
    expect(await answersOf(late), where).toEqual(answers)
    const run = await versionsRun(late)
    expect([1, 2], `${where}: ${run.join(', ')}`).toContain(run.length)
    walked.push(run.length)
  }

  /** Started with a fault that may strike before it answers. */
  async function startWith(word: string, open: (options: Parameters<typeof startLate>[0]) => Promise<void>) {
    tried++
    const planted = plant(late, word)
    await open(planted.options).catch(async (thrown: unknown) => {
      await late.ended()
      if (late.lastEnd?.signal !== 'SIGKILL') throw thrown
    })
    return () => planted.within(strikeMs)
  }

  it('takes both in one switch where nothing dies', async () => {
    await startLate()
    await seeThrough('nothing dies', () => Promise.resolve())
    expect(await versionsRun(late)).toEqual([3])
    walked.pop()
  })

  it.each(cellsOf(moments))('walks on after $who died: $word', async ({ word }) => {
    await seeThrough(word, await startWith(word, startLate))
  })

  describe('and has an offline bundle only', () => {
    beforeAll(async () => {
      const file = join(network.directory, 'network.instar')
      await instar('bundle', 'export', file, '--data', inTime.dataDirectory)
      await inTime.stop()
      await startLate()
      await late.stop()
      await instar('bundle', 'import', file, '--data', late.dataDirectory)
      startLate = await keepTemplate(late)
    })

    it('takes both in one switch, by what it says of the others', async () => {
      await startLate()
      await seeThrough('nothing dies', () => Promise.resolve())
      expect(await versionsRun(late)).toEqual([3])
      walked.pop()
    })

    it.each(cellsOf(momentsAlone))('goes on after $who died: $word', async ({ word }) => {
      await seeThrough(word, await startWith(word, startLate))
    })
  })
})

async function instar(...words: readonly string[]): Promise<void> {
  const { code, out, err } = await runInstar(words)
  expect(code, `${words.join(' ')}: ${err}${out}`).toBe(0)
}
