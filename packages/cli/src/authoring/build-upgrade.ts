import {
  appendVersion,
  classAt,
  classesAt,
  findLineage,
  type ClassUpgrade,
  type Descriptor,
  type Health,
  type Needs,
  type Strategy,
  type VersionLog
} from '@instar/core'
import type { BuiltBundle } from '@instar/bundler'
import { instarVersion } from '@instar/node/control'
import type { Proposal } from '@instar/signer'
import { buildClass, type BuiltClass } from './build-class.js'
import { changeOf, healthOf, patchOf, type ClassChange } from './class-change.js'
import type { ReadTrust } from './read-trust.js'
import type { RunningContract } from './running-contracts.js'
import { kindsOf, modulesOf, onFromEverywhere, supersededBy, type BuiltStart, type StartModule } from './superseding.js'
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
  readonly needs?: Needs | undefined
  /** Default: each class keeps what it has. */
  readonly durability?: ClassUpgrade['durability'] | undefined
  readonly back?: ClassUpgrade['back'] | undefined
  readonly nowMs: number
}

interface Repair {
  /** The lowest version that it repairs (§4). */
  readonly supersedes?: number | undefined
  /** The modules for peers that run an earlier version than the newest. */
  readonly from?: readonly StartModule[] | undefined
}

export type UpgradeInit = UpgradeWords &
  Repair &
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
  const log = upgrades.map(each => each.descriptor).reduce<VersionLog>(appendVersion, [])
  const starts = modulesOf(init, log)
  const { version } = nextPlace(trusted.state)
  const lowest = version - 1 - supersededBy(init, version).length
  const built: BuiltStart[] = []
  for (const start of starts) {
    const each = await buildClass(start.entry)
    const change =
      init.kind === 'patch' && start.from === undefined
        ? await patchOf(each, init.contractOf)
        : changeOf(each, kindsOf(start), isCompatible(init, each), start.from)
    const health = healthOf(each, change, init.health)
    const made = { ...start, built: each.built, change: { ...change, ...(health === undefined ? {} : { health }) } }
    built.push(made)
    if (init.kind === 'patch' && start.from === undefined)
      built.push(...patchedBelow(made, { log, lowest, named: starts }))
  }
  const classes = onFromEverywhere(built, log, lowest)
  const descriptor: Descriptor = {
    format: 1,
    ...nextPlace(trusted.state),
    title: init.title,
    notes: init.notes,
    createdAt: new Date(init.nowMs).toISOString(),
    runtime: `>=${instarVersion}`,
    supersedes: supersededBy(init, version),
    classes: classes.map(each => ({
      ...(each.from === undefined ? {} : { from: each.from }),
      ...classUpgradeOf(each.built, each.change, each.known, init)
    }))
  }
  const bundles = [...new Map(built.map(each => [each.built.bundle, each.built])).values()]
  const manifests = bundles.map(each => each.manifest)
  const proposal = propose('upgrade', { descriptor, manifests }, { trusted: trusted.state, nowMs: init.nowMs })
  return {
    descriptor,
    proposal,
    bundles,
    hints: built.flatMap(({ change }) => [
      ...change.hints,
      ...(init.back === undefined ? [wayBackHint(change)].filter(each => each !== undefined) : [])
    ])
  }
}

/** A module without a way through is no fault where others of the same repair change the contract. */
function isCompatible(init: UpgradeInit, { facts }: BuiltClass): boolean {
  if (init.kind === 'patch') return facts.compatible
  return init.compatible === true && (init.supersedes === undefined || facts.compatible)
}

/** The same patch for peers that run an earlier version, down to the lowest from which anybody comes, as far as its contract is the class's there too. */
function patchedBelow(
  patch: BuiltStart,
  { log, lowest, named }: { log: VersionLog; lowest: number; named: readonly Pick<BuiltStart, 'from'>[] }
): readonly BuiltStart[] {
  const newest = log.length
  const lineage = findLineage(log, patch.change.fields.newClass, newest)
  if (lineage === undefined) return []
  const { revision } = classAt(log, lineage, newest)
  const found: BuiltStart[] = []
  for (let start = newest - 1; start >= Math.max(lowest, lineage.since); start--) {
    if (named.some(each => each.from === start) || classAt(log, lineage, start).revision !== revision) continue
    found.push({ ...patch, from: start, known: classesAt(log, start), change: { ...patch.change, hints: [] } })
  }
  return found
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
    ...(init.needs === undefined ? {} : { needs: init.needs }),
    stableMs: init.stable,
    ...(change.health === undefined ? {} : { health: change.health }),
    retirement: { quietMs: init.retireAfter, ...(init.retireBy === undefined ? {} : { notAfter: init.retireBy }) }
  }
}
