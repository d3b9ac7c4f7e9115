import type { LocalPeer } from '@instar/local-network'
import type { PeerStatus } from '@instar/node/control'

/** Where a version has to arrive once whatever was wrong is over. */
export type Arrival = (status: PeerStatus) => boolean

export const phaseOf = ({ versions }: PeerStatus, version = 2): string | undefined =>
  versions.find(each => each.version === version)?.phase

export const isServing = ({ served, host }: PeerStatus): boolean => served !== undefined && host.pid !== undefined

export const hasUpgraded: Arrival = status => status.running.version === 2 && isServing(status)

const givenUp = new Set(['introduceFailed', 'failed', 'withdrawn', 'halted'])
const patienceMs = 90_000
const roundsMax = 8

/**
 * Does what an operator would do who reads the status: starts a peer that has ended, or that says that it must be started again, and gives
 * a version that was given up another chance. Nothing else may be needed.
 *
 * @returns what it took, in words
 * @throws Error where that does not lead to the arrival, or where the state is damaged: one fault damages nothing
 */
export async function goOn(peer: LocalPeer, arrival: Arrival, where: string): Promise<readonly string[]> {
  const took: string[] = []
  for (let round = 0; round < roundsMax; round++) {
    if (!peer.running) {
      took.push('a start')
      await peer.start()
    }
    let last: PeerStatus | undefined
    const stands = (status: PeerStatus): boolean => {
      last = status
      return arrival(status) || givenUp.has(phaseOf(status) ?? '') || status.problems.some(asksForAStart)
    }
    const status = await peer.until('goes on', stands, patienceMs).catch(async (thrown: unknown) => {
      // It has ended while it was asked.
      if (peer.running) await Promise.race([peer.ended(), new Promise(resolve => setTimeout(resolve, 5000).unref())])
      if (peer.running) throw new Error(`${where}: it stands still`, { cause: thrown })
      return last
    })
    if (!peer.running || status === undefined) continue
    const damage = status.problems.find(each => /damaged|from another time|another history|is empty/.test(each))
    if (damage !== undefined) throw new Error(`${where}: ${damage}`)
    if (arrival(status)) return took
    const phase = phaseOf(status) ?? ''
    if (givenUp.has(phase)) {
      took.push(`resume of ${phase}: ${status.versions.find(each => each.version === 2)?.reason ?? ''}`)
      // A word that does not arrive is said again.
      await peer.control.resume(2).catch(() => undefined)
    } else {
      took.push(`another start: ${status.problems.join(' | ')}`)
      await peer.stop()
    }
  }
  throw new Error(`${where}: it does not go on, whatever is done: ${took.join('; ')}`)
}

/** Whatever does not say so is mended without one. */
export const asksForAStart = (problem: string): boolean => problem.includes('start the peer again')
