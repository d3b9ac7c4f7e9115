import { expect } from 'vitest'
import type { LocalPeer } from '@instar/local-network'
import type { CallInit, Callers } from '../fixtures/ledger/callers.js'

/** Callers of version 1 who take no error for an answer: before the commit nothing that its author ships may cost them a call (P2). */
export interface Steady {
  /** None of them has seen an error, and what was acknowledged is there. Ends them. @throws AssertionError */
  check(where: string): Promise<void>
  stop(): Promise<void>
}

const pauseMs = 20
/** Calls wait while hosts change, and while one that stands still is given up. */
const patientMs = 60_000
const newTimeoutMs = 2000

/**
 * One caller of version 1 for each of those who call, and where it is said one of version 2, whose errors are nobody's business.
 *
 * @param who default: the operator
 */
export function keepAdding(
  peer: LocalPeer,
  callers: Callers,
  {
    who = [{}],
    alsoNew = false
  }: { readonly who?: ReadonlyArray<Pick<CallInit, 'by'>>; readonly alsoNew?: boolean } = {}
): Steady {
  const over = new AbortController()
  const errors: string[] = []
  const onError = (error: unknown): void => void errors.push(error instanceof Error ? error.message : String(error))
  const keep = async (version: 1 | 2, init: CallInit): Promise<void> => {
    while (!over.signal.aborted) {
      await callers.add(peer, version, init)
      await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
  }
  const calling = Promise.all([
    ...who.map(each => keep(1, { ...each, timeoutMs: patientMs, onError })),
    ...(alsoNew ? [keep(2, { timeoutMs: newTimeoutMs })] : [])
  ])
  async function stop(): Promise<void> {
    over.abort()
    await calling
  }
  return {
    stop,
    async check(where) {
      await stop()
      expect(errors, `${where}: errors at callers of version 1`).toEqual([])
      await callers.check(peer, where)
    }
  }
}
