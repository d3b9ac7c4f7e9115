// The process of a peer is killed (SIGKILL) before and after every record that its journal gets on the way of an upgrade, and before and
// after every effect. A peer walks the whole way: each restart goes on from where the kill before it has left it, to the next kill.

import { createLocalNetwork, type LocalNetwork, type LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modules } from './fixtures/faulty/modules.js'
import { hostsOf, killNow } from './fixtures/processes.js'
import { runsEverything } from './fixtures/selection.js'
import { createWitness, type Witness } from './fixtures/witness.js'

const atItsFirstStart = runsEverything ? ['joined', 'fetchBundle', 'switchHost', 'announce'] : ['switchHost']

/**
 * Records and effects in the order in which they come to pass; the first waits for the publication. `trial` is one write with `running`,
 * and the moment after `introducing` is the one before the first `switchHost`: a peer that is killed there takes version 2 into the plan
 * of its next start.
 */
const walks = {
  before: [
    'fetchBundle',
    'rehearse@2',
    'introducing@2',
    'switchHost@2',
    'introduced@2',
    'evaluateSchedule@2',
    'preparing@2',
    'switchHost@2',
    'draining@2',
    'transforming@2',
    'activating@2',
    'running@2',
    'committed@2',
    'retired@1'
  ],
  after: [
    'fetchBundle',
    'rehearse@2',
    'switchHost@2',
    'introduced@2',
    'evaluateSchedule@2',
    'preparing@2',
    'switchHost@2',
    'draining@2',
    'transforming@2',
    'activating@2',
    'trial@2',
    'committed@2',
    'retired@1'
  ]
}

for (const side of ['before', 'after'] as const) {
  describe.runIf(runsEverything || side === 'after')(`a peer that is killed ${side}`, () => {
    let network: LocalNetwork
    let author: LocalPeer
    let victim: LocalPeer
    let witness: Witness

    beforeAll(async () => {
      network = await createLocalNetwork({ classes: [modules.intSet] })
      author = network.addPeer('author')
      victim = network.addPeer('victim')
      await author.start()
      witness = createWitness([1, 2])
    })
    afterAll(() => network.stop())

    /** Starts it with the kill planted, calls it as long as it lives, and resolves when it is dead. */
    async function dieAt(moment: string): Promise<void> {
      const isReady = await victim.start({ faults: `kill:${side}:${moment}` }).then(
        () => true,
        () => false
      )
      if (isReady) await witness.watch(victim)
      await victim.ended()
      expect(victim.lastEnd).toMatchObject({ signal: 'SIGKILL' })
    }

    it.each(atItsFirstStart)('%s, at its first start, has promised nothing yet', dieAt)

    it('serves version 1 when it lives long enough', async () => {
      await victim.start()
      await victim.until('serves', status => status.served !== undefined)
      for (let i = 0; i < 20; i++) await witness.write(victim)
      const status = await witness.checkAll(victim)
      expect(status).toMatchObject({ running: { version: 1 }, served: [1, 1], problems: [] })
      await victim.kill()
    })

    const selected = walks[side].filter((moment, i) => runsEverything || i % 2 === 0 || moment === 'retired@1')
    it.each(selected.map((moment, i) => ({ moment, i })))(
      '$moment, is at the old or the new version and has lost nothing',
      async ({ moment, i }) => {
        if (moment === 'retired@1') await author.control.resume(2)
        const dead = dieAt(moment)
        const publish = async (): Promise<void> => {
          const upgrade = { modules: [modules.slowTransform], stable: '300ms', retireAfter: '0s' }
          await network.publish(author, await network.buildUpgrade(author, upgrade))
          // As long as the author may run version 1, nobody retires it: a commit and a retirement are two writes then.
          await author.control.hold(2)
        }
        await Promise.all([dead, i === 0 ? publish() : undefined])
      }
    )

    it('completes the upgrade, with every acknowledged element', async () => {
      await victim.start()
      await victim.until('serves version 2 alone', status => status.served?.[0] === 2)
      const status = await witness.checkAll(victim)
      expect(status).toMatchObject({ running: { version: 2 }, served: [2, 2], problems: [] })
      expect(witness.acknowledged.size).toBeGreaterThan(20)
    })
  })
}

const stages = runsEverything
  ? (['preparing', 'draining', 'transforming', 'activating', 'trial'] as const)
  : (['preparing', 'transforming', 'trial'] as const)
const dying = runsEverything
  ? (['the host that comes dies', 'both hosts die', 'the hosts and the peer die'] as const)
  : (['the hosts and the peer die'] as const)

describe('a peer whose version 2', () => {
  let network: LocalNetwork
  let peer: LocalPeer
  let witness: Witness

  beforeAll(async () => {
    network = await createLocalNetwork({ classes: [modules.intSet] })
    peer = network.addPeer('peer')
    await peer.start({ timing: { upgradeAttemptsMax: 100, retryMinMs: 1000, retryMaxMs: 1000 } })
    witness = createWitness([1, 2])
    await peer.until('serves', status => status.served !== undefined)
    for (let i = 0; i < 20; i++) await witness.write(peer)
  })
  afterAll(() => network.stop())

  /** The next time that version 2 is in this phase. Once an upgrade has begun, the operator lets no other begin after it. */
  async function reached(phase: string): Promise<void> {
    for await (const event of peer.control.events()) {
      if (event.type !== 'phase' || event.version !== 2) continue
      if (event.phase === phase) return
      if (event.phase === 'preparing') await peer.control.hold(2)
    }
    throw new Error(`it stopped before version 2 was ${phase}`)
  }

  it('is introducing when its hosts are killed serves version 1, and introduces it on the operator’s word', async () => {
    await peer.control.hold('all')
    const introducing = reached('introducing')
    await network.upgrade(peer, { modules: [modules.slowTransform], stable: '1s' })
    await introducing
    killNow(await hostsOf(peer.pid!))
    await peer.until('has its host again', ({ host }) => host.pid !== undefined)
    await witness.write(peer)
    await witness.checkAll(peer)
    await peer.control.resume(2)
    await peer.until('introduced it', ({ served }) => served?.[1] === 2)
    await witness.checkAll(peer)
    await peer.control.hold(2)
    await peer.control.resume('all')
  })

  it.each(stages.flatMap(stage => dying.map(who => ({ stage, who }))))(
    'is $stage when $who is at the old or the new version and has lost nothing',
    async ({ stage, who }) => {
      // Where the kill before came too late, it has arrived, and nothing leads back: the hosts of the new version die then.
      if ((await peer.status()).running.version === 1) {
        const seen = reached(stage)
        await peer.control.resume(2)
        await seen
      }
      const hosts = await hostsOf(peer.pid!)
      killNow(who === 'the host that comes dies' ? hosts.slice(-1) : hosts)
      if (stage === 'preparing') await peer.control.hold(2)
      if (who === 'the hosts and the peer die') {
        await peer.kill()
        await peer.start()
      }
      await peer.until('serves', ({ served, host }) => served !== undefined && host.pid !== undefined)
      await witness.write(peer)
      await witness.checkAll(peer)
    }
  )

  it('has died so often completes the upgrade, with every acknowledged element', async () => {
    await peer.control.resume(2)
    await peer.until('runs version 2', ({ running }) => running.version === 2)
    expect((await witness.checkAll(peer)).problems).toEqual([])
  })
})
