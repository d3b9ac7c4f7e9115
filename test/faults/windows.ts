import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, type LocalNetwork, type LocalPeer, type StartOptions } from '@instar/local-network'
import { createCallers, type Callers } from '../fixtures/ledger/callers.js'
import { unspeakable } from '../fixtures/ledger/v2-twin.js'
import { fixtureModule } from '../fixtures/modules.js'
import { goOn, hasUpgraded, isServing, phaseOf, type Arrival } from './go-on.js'

/** A part of the life of version 2 at a peer, in which something is going to fail. */
export interface Window {
  readonly module: string
  readonly stable: string
  /** What stands before the window opens, from a version 2 that waits or is not published yet. */
  readonly published: boolean
  readonly prepare?: (peer: LocalPeer) => Promise<void>
  readonly open: (peer: LocalPeer, publish: () => Promise<void>) => Promise<unknown>
  readonly closed: Arrival
  /** Journal records and effects in it, as `INSTAR_FAULTS` names them. */
  readonly moments: readonly string[]
}

const goBackFrom = (peer: LocalPeer) =>
  peer.control.call({ method: 'enter', args: [unspeakable], version: 2, timeoutMs: 20_000 }).catch(() => undefined)

export const windows: Readonly<Record<string, Window>> = {
  'an upgrade with a transform in the pause': {
    module: 'ledger/v2',
    stable: '0s',
    published: true,
    open: peer => peer.control.approve(2),
    closed: status => hasUpgraded(status) && phaseOf(status) === 'committed',
    moments: [
      'operator',
      'evaluateSchedule@2',
      'preparing@2',
      'switchHost@2',
      'draining@2',
      'transforming@2',
      'activating@2',
      'running@2',
      'trial@2',
      'committed@2'
    ]
  },
  'an upgrade with a transform by entries': {
    module: 'ledger/v2-entries',
    stable: '0s',
    published: true,
    open: peer => peer.control.approve(2),
    closed: status => hasUpgraded(status) && phaseOf(status) === 'committed',
    moments: ['preparing@2', 'switchHost@2', 'draining@2', 'activating@2', 'running@2', 'trial@2', 'committed@2']
  },
  'the introduction of a twin': {
    module: 'ledger/v2-twin',
    stable: '0s',
    published: false,
    open: (_, publish) => publish(),
    closed: status => isServing(status) && status.served?.[1] === 2,
    moments: ['fetchBundle', 'rehearse@2', 'introducing@2', 'switchHost@2']
  },
  'the upgrade to a twin': {
    module: 'ledger/v2-twin',
    stable: '0s',
    published: true,
    open: peer => peer.control.approve(2),
    closed: status => hasUpgraded(status) && phaseOf(status) === 'committed',
    moments: ['preparing@2', 'switchHost@2', 'running@2', 'trial@2', 'committed@2']
  },
  'going back from a twin': {
    module: 'ledger/v2-twin',
    stable: '1h',
    published: true,
    async prepare(peer) {
      await peer.control.approve(2)
      await peer.until('is on trial', status => phaseOf(status) === 'trial' && isServing(status))
    },
    open: goBackFrom,
    closed: status => phaseOf(status) === 'wentBack' && isServing(status),
    moments: ['goingBack@2', 'running@1', 'wentBack@2']
  }
}

/** One peer that can be put back to the beginning of a window, as often as something is tried in it. */
export interface Stage {
  readonly network: LocalNetwork
  readonly peer: LocalPeer
  /** Stands before the window, with some lines in its ledger. */
  stand(options?: StartOptions): Promise<Callers>
  /** Says the word that opens the window. */
  open(): Promise<unknown>
  stop(): Promise<void>
}

export async function createStage(window: Window): Promise<Stage> {
  const network = await createLocalNetwork({ classes: [fixtureModule('ledger/v1')] })
  const peer = network.addPeer('peer')
  const template = join(network.directory, 'template')
  await peer.start({ timing: { retryMinMs: 200, retryMaxMs: 1000, upgradeAttemptsMax: 5 } })
  await peer.until('serves', isServing)
  const proposal = await network.buildUpgrade(peer, {
    modules: [fixtureModule(window.module)],
    schedule: 'manual',
    stable: window.stable,
    retireAfter: '1h'
  })
  if (window.published) {
    await network.publish(peer, proposal)
    await peer.until('waits for its operator', status => phaseOf(status) === 'waiting' && status.served?.[1] === 2)
  }
  await peer.stop()
  await cp(peer.dataDirectory, template, { recursive: true })

  return {
    network,
    peer,
    async stand(options) {
      await peer.stop()
      await rm(peer.dataDirectory, { recursive: true, force: true })
      await cp(template, peer.dataDirectory, { recursive: true })
      await peer.start(options)
      await peer.until('serves', status => isServing(status) && (!window.published || status.served?.[1] === 2))
      const callers = createCallers()
      for (let i = 0; i < 10; i++) await callers.add(peer)
      await window.prepare?.(peer)
      return callers
    },
    open: () => window.open(peer, () => network.publish(peer, proposal)),
    stop: () => network.stop()
  }
}

/**
 * Opens the window and sees the peer through it, whatever fails there; the word that opens it may be lost with what fails, and is said again.
 *
 * @returns what it took besides
 */
export async function openAndGoOn(stage: Stage, window: Window, where: string): Promise<readonly string[]> {
  const { peer } = stage
  let opened = await stage.open().then(
    () => true,
    () => false
  )
  const took: string[] = []
  for (let words = 1; words < wordsMax; words++) {
    if (!opened) {
      took.push('another word')
      if (!peer.running) await peer.start()
      await peer.until('serves', isServing)
      opened = await stage.open().then(
        () => true,
        () => false
      )
    }
    try {
      return [...took, ...(await goOn(peer, window.closed, where))]
    } catch (thrown) {
      if (words === wordsMax - 1) throw thrown
      opened = false
    }
  }
  return took
}

const wordsMax = 4
