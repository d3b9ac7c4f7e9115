import type { Phase } from '@instar/core'
import type { LocalPeer } from '@instar/local-network'

export interface PhaseWatch {
  /** Resolves when the peer's events are being received: nothing that happens later is missed. */
  readonly listening: Promise<unknown>
  /** When each phase began, in milliseconds of the machine's clock. Resolves when the version is committed. @throws Error when it never will be */
  readonly done: Promise<ReadonlyMap<Phase, number>>
}

const dead: ReadonlySet<Phase> = new Set<Phase>(['introduceFailed', 'failed', 'withdrawn', 'frozen', 'superseded'])

/** Follows one version through one peer by the times that the peer itself gives to its events. */
export function watchPhases(peer: LocalPeer, version: number): PhaseWatch {
  const listening = Promise.withResolvers<undefined>()

  async function watch(): Promise<ReadonlyMap<Phase, number>> {
    const began = new Map<Phase, number>()
    for await (const event of peer.control.events()) {
      listening.resolve(undefined)
      if (event.type !== 'phase' || event.version !== version) continue
      if (dead.has(event.phase)) throw new Error(`${peer.name}: ${event.phase}, ${event.reason ?? 'no reason given'}`)
      if (!began.has(event.phase)) began.set(event.phase, Date.parse(event.at))
      if (event.phase === 'committed') return began
    }
    throw new Error(`${peer.name} stopped before it had committed version ${version}`)
  }

  const done = watch()
  done.catch(listening.reject)
  return { listening: listening.promise, done }
}
