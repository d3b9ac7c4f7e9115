import type { Contract } from '../contract/contract.js'
import type { ClassDefinition } from '../definition/define-class.js'
import type { UpgradeDefinition } from '../definition/define-upgrade.js'
import type { ReverseDefinition } from '../definition/reverse.js'
import type { Specification } from './specification.js'

/** Version 1, and what leads to 2, 3, …: an upgrade, or a class alone, which is a patch of the one before. */
export type Versions = readonly [ClassDefinition, ...Array<UpgradeDefinition | ClassDefinition>]

/** Versions that share a contract share a revision (§6): what the checker tells apart. */
export interface Lineage {
  readonly versions: Versions
  /** By version, from 1 at index 0. */
  readonly revisions: readonly number[]
  /** By revision. */
  readonly classes: ReadonlyMap<number, ClassDefinition>
  /** By the revision that the upgrade leads to; absent where there is none. */
  readonly specifications: ReadonlyMap<number, Specification>
  /** Versions that changed the contract, and whose upgrade has no specification. */
  readonly unspecified: readonly number[]
}

/** @throws TypeError for a specification that belongs to no upgrade, or a chain with a gap */
export function lineageOf(versions: Versions, given: ReadonlyArray<Specification | undefined>): Lineage {
  const revisions: number[] = []
  const classes = new Map<number, ClassDefinition>()
  for (const [i, definition] of versions.entries()) {
    if (i === 0 && definition.instar !== 'class') {
      throw new TypeError('Version 1 is a class (defineClass); what follows are upgrades of it.')
    }
    const { contract, directory } = definition.instar === 'class' ? definition : definition.to
    if (directory !== undefined)
      throw new TypeError(
        `The state of ${contract.name} are files, of which the checker can keep no copies: test it by hand.`
      )
    const compatible = definition.instar === 'class' ? i > 0 : definition.from === definition.to.contract
    const revision = compatible ? (revisions[i - 1] ?? 1) : i + 1
    revisions.push(revision)
    const code = definition.instar === 'class' ? definition : definition.to
    if (code.directory !== undefined) {
      throw new TypeError(`${code.contract.name} of version ${i + 1} keeps files: only managed state can be checked.`)
    }
    if (!compatible) classes.set(revision, code)
  }
  const specifications = new Map<number, Specification>()
  for (const specification of given) {
    if (specification === undefined) continue
    const at = versions.findIndex(
      (each, i) =>
        each.instar === 'upgrade' &&
        !specifications.has(i + 1) &&
        areSame(each.from, specification.from) &&
        areSame(each.to.contract, specification.to)
    )
    if (at === -1) {
      throw new TypeError(
        `A specification from ${specification.from.name} to ${specification.to.name} belongs to none of the upgrades.`
      )
    }
    specifications.set(at + 1, specification)
  }
  const unspecified = [...classes.keys()].filter(revision => revision !== 1 && !specifications.has(revision))
  return { versions, revisions, classes, specifications, unspecified }
}

/** A specification that was built on its own carries copies of the contracts. */
function areSame(a: Contract, b: Contract): boolean {
  const methods = (contract: Contract): string =>
    Object.entries(contract.methods)
      .map(([name, { kind }]) => `${name} ${kind}`)
      .sort()
      .join()
  return a === b || (a.name === b.name && methods(a) === methods(b))
}

export function revisionOf(lineage: Lineage, version: number): number {
  return lineage.revisions[version - 1] ?? version
}

export function contractOf(lineage: Lineage, version: number): Contract {
  const definition = lineage.versions[version - 1]
  if (definition === undefined) throw new RangeError(`there is no version ${version}`)
  return definition.instar === 'class' ? definition.contract : definition.to.contract
}

/** What is wrong with the chain itself: an upgrade that begins at another version than the one before it. */
export function gapOf(lineage: Lineage): string | undefined {
  for (const [i, definition] of lineage.versions.entries()) {
    if (i === 0) continue
    const before = contractOf(lineage, i)
    const from = definition.instar === 'class' ? definition.contract : definition.from
    if (!areSame(from, before)) {
      return `version ${i + 1} is an upgrade of ${wordsOf(from)}, and version ${i} is ${wordsOf(before)}`
    }
  }
  return undefined
}

function wordsOf(contract: Contract): string {
  return `${contract.name} (${Object.keys(contract.methods).join(', ')})`
}

/** How its trial ends badly by code (§8); undefined where the state of before, or its twin, is put back. */
export function reverseOf(definition: ClassDefinition | UpgradeDefinition | undefined): ReverseDefinition | undefined {
  return definition?.instar === 'upgrade' ? definition.reverse : undefined
}

/** Whether a version stands beside the one before it on state of its own: then going back loses nothing (§8). */
export function isTwin(definition: ClassDefinition | UpgradeDefinition | undefined): boolean {
  return definition?.instar === 'upgrade' && definition.map !== undefined
}
