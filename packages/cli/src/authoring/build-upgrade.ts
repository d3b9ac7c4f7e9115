import { InstarError, type ClassUpgrade, type Descriptor, type Strategy } from '@instar/core'
import type { BuiltBundle } from '@instar/bundler'
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
    runtime: '>=0.0.0',
    supersedes: [],
    classes: built.map(each => classUpgradeOf(each, known, init))
  }
  const manifests = built.map(each => each.built.manifest)
  const proposal = createProposal({ trusted: trusted.state, descriptor, manifests, nowMs: init.nowMs })
  return { descriptor, proposal, bundles: built.map(each => each.built) }
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
  { built, definition, source }: BuiltClass,
  known: ReadonlySet<string>,
  init: UpgradeInit
): ClassUpgrade {
  const common = {
    bundle: built.bundle,
    entry: built.entry,
    durability: init.durability,
    back: 'none' as const,
    schedule: { strategy: init.schedule, deadline: init.deadline, deadlineSpreadMs: init.deadlineSpread },
    probationMs: init.probation,
    stableMs: init.stable,
    retirement: { quietMs: init.retireAfter, ...(init.retireBy === undefined ? {} : { notAfter: init.retireBy }) }
  }
  if (definition.kind === 'class') {
    if (known.has(definition.className))
      throw new InstarError(
        'BadInput',
        `The network has the class ${definition.className} already: export an upgrade of it from ${source} (defineUpgrade).`
      )
    return { ...common, newClass: definition.className, compatible: false, transform: 'none' }
  }
  if (!known.has(definition.oldClass))
    throw new InstarError(
      'BadInput',
      `${source} upgrades the class ${definition.oldClass}, which the newest version of the network has not; it has ${[...known].join(', ')}.`
    )
  const isCompatible = init.compatible === true || definition.sameContract
  return {
    ...common,
    oldClass: definition.oldClass,
    newClass: definition.newClass,
    compatible: isCompatible,
    ...(definition.hasFuture && !isCompatible ? { future: 'direct' as const } : {}),
    ...(definition.hasPast && !isCompatible ? { past: 'direct' as const } : {}),
    transform: definition.hasTransform ? 'whole' : 'none'
  }
}
