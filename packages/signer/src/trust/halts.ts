import type { HaltOrder } from '../metadata/halt.js'
import { compareOrders, wordsOf } from './halt-register.js'
import type { TrustState } from './state.js'

/**
 * The word that counts on each version that halt documents speak of, ascending (§4): halt or resume, whether or not trust is fresh. An
 * order counts for the history that it names. While a version is not named here, or stands on a fork, any history may be meant, and
 * then the order counts that stops more.
 */
export function haltsOf({ halt, haltWitnesses, named }: TrustState): ReadonlyMap<number, HaltOrder> {
  if (halt === undefined) return new Map()
  const firstFork = named.forks[0]?.version ?? Infinity
  const halts = new Map<number, HaltOrder>()
  for (const { order } of wordsOf([halt, ...haltWitnesses]).values()) {
    const own = order.version < firstFork ? named.run[order.version - 1] : undefined
    if (own !== undefined && own.chainId !== order.chainId) continue
    const known = halts.get(order.version)
    if (known === undefined || compareOrders(order, known) > 0) halts.set(order.version, order)
  }
  return new Map([...halts].sort(([a], [b]) => a - b))
}
