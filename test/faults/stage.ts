import type { Timing } from '@instar/core'
import { createLocalNetwork, type LocalNetwork, type LocalPeer, type StartOptions } from '@instar/local-network'
import type { PeerStatus } from '@instar/node/control'
import { createCallers, type Callers } from '../fixtures/ledger/callers.js'
import { fixtureModule } from '../fixtures/modules.js'
import { isServing, phaseOf, type Arrival } from './go-on.js'
import { keepTemplate } from './template.js'

/** What a peer stands before, as often as something is tried there. */
export interface Setting {
  readonly module: string
  readonly back?: 'copy' | 'transform'
  readonly stable: string
  readonly probation?: string
  /** Words of its health policy. */
  readonly health?: string
  readonly timing?: Partial<Timing>
  readonly from: 'version 1' | 'waiting' | 'trial' | 'committed'
}

/** Acknowledged before anything is tried: of them so many before version 2 was the object's, where it is. */
export const linesBefore = 10

export const stands: Readonly<Record<Setting['from'], Arrival>> = {
  'version 1': isServing,
  // What a copy of the state has to show first is done once, and not again at every start.
  waiting: status => phaseOf(status) === 'waiting' && status.served?.[1] === 2 && !isRehearsing(status),
  trial: status => phaseOf(status) === 'trial' && isServing(status),
  committed: status => phaseOf(status) === 'committed' && isServing(status)
}

const isRehearsing = ({ versions }: PeerStatus): boolean =>
  versions.some(each => each.version === 2 && each.reason?.includes('on a copy of the state') === true)

/** One peer that can be put back to where it stood, as often as something is tried there. */
export interface Stage {
  readonly network: LocalNetwork
  readonly peer: LocalPeer
  /** Stands there, with some lines in its ledger. What strikes at its start is over then, and it has been started again. */
  stand(options?: StartOptions): Promise<Callers>
  /** Version 2, where the peer stands at version 1. */
  readonly publish: () => Promise<void>
  stop(): Promise<void>
}

export async function createStage({ module, from, timing, ...upgrade }: Setting): Promise<Stage> {
  const network = await createLocalNetwork({ classes: [fixtureModule('ledger/v1')] })
  const peer = network.addPeer('peer')
  await peer.start({ timing: { retryMinMs: 200, retryMaxMs: 1000, upgradeAttemptsMax: 5, ...timing } })
  await peer.until('serves', isServing)
  const known = createCallers()
  for (let i = 0; i < linesBefore; i++) await known.add(peer)
  const proposal = await network.buildUpgrade(peer, {
    ...upgrade,
    modules: [fixtureModule(module)],
    schedule: 'manual',
    retireAfter: '1h'
  })
  if (from !== 'version 1') {
    await network.publish(peer, proposal)
    await peer.until('waits for its operator', stands.waiting)
  }
  if (from === 'trial' || from === 'committed') {
    await peer.control.approve(2)
    await peer.until(`is ${from}`, stands[from])
    for (let i = 0; i < linesBefore; i++) await known.add(peer, 2)
  }
  const startAgain = await keepTemplate(peer)

  return {
    network,
    peer,
    async stand(options) {
      try {
        await startAgain(options)
        await peer.until('stands where it stood', stands[from])
      } catch (thrown) {
        await peer.ended()
        if (options?.faults === undefined || peer.lastEnd?.signal !== 'SIGKILL') throw thrown
        await peer.start()
        await peer.until('stands where it stood again', stands[from])
      }
      return known.copy()
    },
    publish: () => network.publish(peer, proposal),
    stop: () => network.stop()
  }
}
