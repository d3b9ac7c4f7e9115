import type { ClassUpgrade, Descriptor, Health, Strategy } from '@instar/core'
import type { BuiltBundle } from '@instar/bundler'
import { instarVersion } from '@instar/node/control'
import type { Proposal } from '@instar/signer'
import { buildClass } from './build-class.js'
import { changeOf, healthOf, patchOf, type ClassChange } from './class-change.js'
import type { ReadTrust } from './read-trust.js'
import type { RunningContract } from './running-contracts.js'
import { wayBackHint, wayBackOf } from './way-back.js'

interface UpgradeWords {
  readonly entries: readonly string[]
  readonly trust: ReadTrust
  readonly title: string
  readonly notes: string
  readonly schedule: Strategy
  readonly deadline: string
  readonly deadlineSpread: number
  readonly retireAfter: number
  readonly retireBy?: string | undefined
  readonly stable: number
  readonly introduceOver: number
  readonly health?: Health | undefined
  readonly probation: number
  /** Default: each class keeps what it has. */
  readonly durability?: ClassUpgrade['durability'] | undefined
  readonly back?: ClassUpgrade['back'] | undefined
  readonly nowMs: number
}

export type UpgradeInit = UpgradeWords &
  (
    | { readonly kind: 'upgrade'; readonly compatible?: true | undefined }
    /** New classes under the contracts that are there. */
    | { readonly kind: 'patch'; readonly contractOf: (className: string) => Promise<RunningContract> }
  )

export interface BuiltUpgrade {
  readonly descriptor: Descriptor
  readonly proposal: Proposal
  readonly bundles: readonly BuiltBundle[]
  /** What the author may have overlooked, or has to vouch for, one sentence each. */
  readonly hints: readonly string[]
}

/** Builds the bundles of the network's next version and describes it on the base of what the peer trusts. Writes nothing. */
export async function buildUpgrade(init: UpgradeInit): Promise<BuiltUpgrade> {
  const { nextPlace, propose } = await import('@instar/signer')
  const { trusted, upgrades } = init.trust
  const known = classesOf(upgrades.map(each => each.descriptor))
  const kinds = new Map([...known].map(([name, { state }]) => [name, state]))
  const built: Array<{ readonly built: BuiltBundle; readonly change: ClassChange }> = []
  for (const entry of init.entries) {
    const each = await buildClass(entry)
    const change =
      init.kind === 'patch' ? await patchOf(each, init.contractOf) : changeOf(each, kinds, init.compatible === true)
    const health = healthOf(each, change, init.health)
    built.push({ built: each.built, change: { ...change, ...(health === undefined ? {} : { health }) } })
  }
  const descriptor: Descriptor = {
    format: 1,
    ...nextPlace(trusted.state),
    title: init.title,
    notes: init.notes,
    createdAt: new Date(init.nowMs).toISOString(),
    runtime: `>=${instarVersion}`,
    supersedes: [],
    classes: built.map(each => classUpgradeOf(each.built, each.change, known, init))
  }
  const manifests = built.map(each => each.built.manifest)
  const proposal = propose('upgrade', { descriptor, manifests }, { trusted: trusted.state, nowMs: init.nowMs })
  return {
    descriptor,
    proposal,
    bundles: built.map(each => each.built),
    hints: built.flatMap(({ change }) => [
      ...change.hints,
      ...(init.back === undefined ? [wayBackHint(change)].filter(each => each !== undefined) : [])
    ])
  }
}

/** The classes of the network's newest version, and what made each. */
function classesOf(descriptors: readonly Descriptor[]): ReadonlyMap<string, ClassUpgrade> {
  const classes = new Map<string, ClassUpgrade>()
  for (const descriptor of descriptors) {
    for (const { oldClass } of descriptor.classes) if (oldClass !== undefined) classes.delete(oldClass)
    for (const upgrade of descriptor.classes) classes.set(upgrade.newClass, upgrade)
  }
  return classes
}

function classUpgradeOf(
  { bundle, entry }: BuiltBundle,
  change: ClassChange,
  known: ReadonlyMap<string, ClassUpgrade>,
  init: UpgradeInit
): ClassUpgrade {
  const { oldClass, newClass } = change.fields
  return {
    ...change.fields,
    bundle,
    entry,
    // Who does not speak of it must not take from callers what an answer has promised them so far.
    durability: init.durability ?? known.get(oldClass ?? newClass)?.durability ?? 'os',
    ...wayBackOf(change, init.back),
    schedule: { strategy: init.schedule, deadline: init.deadline, deadlineSpreadMs: init.deadlineSpread },
    introduceOverMs: init.introduceOver,
    probationMs: init.probation,
    stableMs: init.stable,
    ...(change.health === undefined ? {} : { health: change.health }),
    retirement: { quietMs: init.retireAfter, ...(init.retireBy === undefined ? {} : { notAfter: init.retireBy }) }
  }
}
