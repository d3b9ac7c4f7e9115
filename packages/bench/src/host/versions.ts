import { defineClass, defineContract, defineUpgrade, type UpgradeDefinition } from '@instar/simulator-runtime'
import { Bench } from '../fixtures/bench-class.js'
import { sameEntry, Twin } from '../fixtures/bench-twin.js'
import { Same } from '../fixtures/bench-upgrade.js'
import { bench } from '../fixtures/contract.js'

/** The same contract once more: what is one and the same needs no simulation object. */
const nextContract = (): typeof bench => defineContract('Bench', bench.methods)

/** Upgrades that follow each other, each served by a simulation object that passes calls on. */
export function chainOf(count: number): UpgradeDefinition[] {
  const upgrades: UpgradeDefinition[] = []
  let from = bench
  while (upgrades.length < count) {
    const to = nextContract()
    upgrades.push(defineUpgrade({ from, to: defineClass(to, Bench), future: Same, past: Same }))
    from = to
  }
  return upgrades
}

export const twin = defineUpgrade({
  from: bench,
  to: defineClass(nextContract(), Bench),
  twin: { map: sameEntry, future: Twin, past: Twin }
})
