import { InstarError, type ClassUpgrade, type Descriptor, type Strategy } from '@instar/core'
import type { BuiltBundle } from '@instar/bundler'
import { instarVersion } from '@instar/node/control'
import type { Proposal } from '@instar/signer'
import { buildClass, type BuiltClass } from './build-class.js'
import type { ReadTrust } from './read-trust.js'

export interface UpgradeInit {
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
  readonly probation: number
  readonly durability: 'os' | 'disk'
  readonly compatible?: true | undefined
  readonly nowMs: number
}

export interface BuiltUpgrade {
  readonly descriptor: Descriptor
  readonly proposal: Proposal
  readonly bundles: readonly BuiltBundle[]
  /** What the author may have overlooked, one sentence each. */
  readonly hints: readonly string[]
}

/** Builds the bundles of the network's next version and describes it on the base of what the peer trusts. Writes nothing. */
export async function buildUpgrade(init: UpgradeInit): Promise<BuiltUpgrade> {
  const { createProposal, nextPlace } = await import('@instar/signer')
  const { trusted, upgrades } = init.trust
  const known = classesOf(upgrades.map(each => each.descriptor))
  const built = []
  for (const entry of init.entries) built.push(await buildClass(entry))
  const descriptor: Descriptor = {
    format: 1,
    ...nextPlace(trusted.state),
    title: init.title,
    notes: init.notes,
    createdAt: new Date(init.nowMs).toISOString(),
    runtime: `>=${instarVersion}`,
    supersedes: [],
    classes: built.map(each => classUpgradeOf(each, known, init))
  }
  const manifests = built.map(each => each.built.manifest)
  const proposal = createProposal({ trusted: trusted.state, descriptor, manifests, nowMs: init.nowMs })
  return {
    descriptor,
    proposal,
    bundles: built.map(each => each.built),
    hints: built.flatMap(each => hintsOf(each, init))
  }
}

/** The classes of the network's newest version. */
function classesOf(descriptors: readonly Descriptor[]): ReadonlySet<string> {
  const classes = new Set<string>()
  for (const descriptor of descriptors) {
    for (const { oldClass } of descriptor.classes) if (oldClass !== undefined) classes.delete(oldClass)
    for (const { newClass } of descriptor.classes) classes.add(newClass)
  }
  return classes
}

function classUpgradeOf(
  { built, facts, source }: BuiltClass,
  known: ReadonlySet<string>,
  init: UpgradeInit
): ClassUpgrade {
  const { newClass, oldClass } = facts
  const had = [...known].join(', ')
  if (oldClass === undefined && known.has(newClass))
    throw new InstarError(
      'BadInput',
      `The network has the class ${newClass} already: export an upgrade of it from ${source} (defineUpgrade).`
    )
  if (oldClass !== undefined && !known.has(oldClass))
    throw new InstarError(
      'BadInput',
      `${source} upgrades the class ${oldClass}, which the newest version of the network has not; it has ${had}.`
    )
  const compatible = init.compatible === true
  if (compatible && !facts.compatible)
    throw new InstarError('BadInput', `${source} changes the contract or has simulation objects: it is not compatible.`)
  return {
    ...(oldClass === undefined ? {} : { oldClass }),
    newClass,
    bundle: built.bundle,
    entry: built.entry,
    compatible,
    ...(facts.future === undefined ? {} : { future: facts.future }),
    ...(facts.past === undefined ? {} : { past: facts.past }),
    transform: facts.transform,
    durability: init.durability,
    back: 'none',
    schedule: { strategy: init.schedule, deadline: init.deadline, deadlineSpreadMs: init.deadlineSpread },
    probationMs: init.probation,
    stableMs: init.stable,
    retirement: { quietMs: init.retireAfter, ...(init.retireBy === undefined ? {} : { notAfter: init.retireBy }) }
  }
}

function hintsOf({ facts, source }: BuiltClass, init: UpgradeInit): readonly string[] {
  if (!facts.compatible || init.compatible === true) return []
  return [
    `${source} changes no method and has no simulation objects: unless you add --compatible, each version is served only where it runs.`
  ]
}
