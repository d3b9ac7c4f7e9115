import type { LocalPeer } from '@instar/local-network'
import type { PeerStatus } from '@instar/node/control'
import { unspeakable } from '../fixtures/ledger/v2-twin.js'
import { asksForAStart, goOn, hasUpgraded, isServing, phaseOf, type Arrival } from './go-on.js'
import { stands, type Setting, type Stage } from './stage.js'

/** A part of the life of version 2 at a peer, in which something is going to fail. */
export interface Window extends Setting {
  readonly open: (peer: LocalPeer, publish: () => Promise<void>) => Promise<unknown>
  readonly closed: Arrival
  /** Journal records, effects and stages of a switch in it, as `INSTAR_FAULTS` names them. */
  readonly moments: readonly string[]
}

/** A call of which the old class cannot be told: the trial ends by itself. */
export const goBackFrom = (peer: LocalPeer) =>
  peer.control.call({ method: 'enter', args: [unspeakable], version: 2, timeoutMs: 20_000 })

const hasCommitted: Arrival = status => hasUpgraded(status) && phaseOf(status) === 'committed'
const wentBack: Arrival = status => phaseOf(status) === 'wentBack' && status.running.version === 1 && isServing(status)

export const windows: Readonly<Record<string, Window>> = {
  'an upgrade with a transform in the pause': {
    module: 'ledger/v2',
    stable: '0s',
    from: 'waiting',
    open: peer => peer.control.approve(2),
    closed: hasCommitted,
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
    from: 'waiting',
    open: peer => peer.control.approve(2),
    closed: hasCommitted,
    moments: ['preparing@2', 'switchHost@2', 'draining@2', 'activating@2', 'running@2', 'trial@2', 'committed@2']
  },
  'the introduction of a twin': {
    module: 'ledger/v2-twin',
    stable: '0s',
    from: 'version 1',
    open: (_, publish) => publish(),
    closed: status => isServing(status) && status.served?.[1] === 2,
    moments: ['fetchBundle', 'rehearse@2', 'introducing@2', 'switchHost@2']
  },
  'the upgrade to a twin': {
    module: 'ledger/v2-twin',
    stable: '0s',
    from: 'waiting',
    open: peer => peer.control.approve(2),
    closed: hasCommitted,
    moments: ['preparing@2', 'switchHost@2', 'running@2', 'trial@2', 'committed@2']
  },
  'going back from a twin': {
    module: 'ledger/v2-twin',
    stable: '1h',
    from: 'trial',
    open: goBackFrom,
    closed: wentBack,
    moments: ['goingBack@2', 'running@1', 'wentBack@2']
  }
}

const switchBack = ['goingBack@2', 'switchHost@2', 'stage-transforming', 'stage-transformed', 'running@1', 'wentBack@2']

/** Going back in a switch of its own (§8): what the first keeps is everything, the second keeps what was there before. */
export const waysBack: Readonly<Record<string, Window>> = {
  'going back by a reverse transform': {
    module: 'ledger/v2-back',
    back: 'transform',
    stable: '1h',
    from: 'trial',
    open: peer => peer.control.goBack(2),
    closed: wentBack,
    moments: switchBack
  },
  'going back by a copy': {
    module: 'ledger/v2',
    back: 'copy',
    stable: '1h',
    from: 'trial',
    open: peer => peer.control.goBack(2),
    closed: wentBack,
    moments: switchBack.filter(each => !each.startsWith('stage-transform'))
  }
}

/** Nothing has come of the word that opens the window. */
function isAsBefore({ from }: Window, status: PeerStatus): boolean {
  return stands[from](status) && (from !== 'version 1' || phaseOf(status) === undefined)
}

/**
 * Opens the window and sees the peer through it, whatever fails there; the word that opens it may be lost with the process that heard it, or
 * be refused, and is said again then.
 *
 * @returns what it took besides
 */
export async function openAndGoOn(stage: Stage, window: Window, where: string): Promise<readonly string[]> {
  const { peer } = stage
  const took: string[] = []
  for (let words = 1; words <= wordsMax; words++) {
    const heardBy = peer.pid
    // Where it dies of it, what it does afterwards says whether it was heard.
    const isRefused = await window.open(peer, stage.publish).then(
      () => false,
      () => true
    )
    let last: PeerStatus | undefined
    const isOverOrLost: Arrival = status => {
      last = status
      const mayBeLost = isRefused || peer.pid !== heardBy
      return window.closed(status) || (mayBeLost && isAsBefore(window, status) && !status.problems.some(asksForAStart))
    }
    took.push(...(await goOn(peer, isOverOrLost, where)))
    if (last !== undefined && window.closed(last)) return took
    took.push('another word')
  }
  throw new Error(`${where}: the window does not close: ${took.join('; ')}`)
}

const wordsMax = 4
