import type {
  CodeRef,
  HostPlan,
  ObjectPlan,
  ReverseStep,
  SimulationModel,
  TransformKind,
  UpgradeStep,
  WayBack
} from '@instar/core'
import type { Contract } from '../contract/contract.js'
import type { ClassDefinition } from '../definition/define-class.js'
import type { UpgradeDefinition } from '../definition/define-upgrade.js'

/** Version 1, and what leads to 2, 3, … in order; a class alone is a patch of the one before. */
export type TestVersions = readonly [ClassDefinition, ...Array<UpgradeDefinition | ClassDefinition>]

/** Where a test object stands in its life. */
export interface Stand {
  /** The version that its state is of. */
  readonly current: number
  readonly lowest: number
  readonly highest: number
  readonly onTrial: boolean
  /** The version that going back from a trial leads to. */
  readonly before: number
}

/** Plans as the core of a peer would make them, of versions that are numbered from 1 and have a bundle each. */
export interface TestPlans {
  planOf(stand: Stand, goBack?: WayBack['by']): HostPlan
  /** Of going back from an upgrade to this version by its reverse transform, where it has one. */
  backFrom(version: number, stand: Stand): { readonly back?: HostPlan }
  revisionOf(version: number): number
  /** Whether an upgrade to this version keeps both states. */
  isTwin(version: number): boolean
  /** What a plan names. */
  load(ref: CodeRef): Promise<unknown>
}

/** Where it stands after its upgrade to a version. */
export function afterUpgrade(stand: Stand, version: number): Stand {
  const highest = Math.max(stand.highest, version)
  return { ...stand, current: version, highest, onTrial: true, before: stand.current }
}

export function createTestPlans(init: {
  readonly versions: TestVersions
  readonly durability: HostPlan['durability']
  readonly transformMs: number
  /** Trials lead back by a copy, where they are not of twins. */
  readonly keepBefore: boolean
}): TestPlans {
  const { versions } = init
  const revisions = revisionsOf(versions)
  const brought = [...new Set(revisions)]
  let plans = 0

  const definitionOf = (version: number) => versions[version - 1]
  const revisionOf = (version: number): number => revisions[version - 1] ?? 0
  /** A past simulation object stands in the module of the upgrade that left its version. */
  const nextRevision = (revision: number): number => revisions.find(each => each > revision) ?? revision
  const isTwin = (version: number): boolean => isOfTwin(definitionOf(version))

  function objectPlan(version: number): ObjectPlan {
    return { ...ref(version), version, chainId: chainIdOf(version), revision: revisionOf(version) }
  }

  function stepTo(version: number): UpgradeStep {
    const before = version - 1
    return {
      ...ref(version),
      from: before,
      to: version,
      chainId: chainIdOf(version),
      transform: transformOf(definitionOf(version)),
      fromRevision: revisionOf(before),
      toRevision: revisionOf(version)
    }
  }

  function reverseStep(from: number): ReverseStep {
    const { transform: _, ...step } = stepTo(from)
    const to = from - 1
    return { ...step, from, to, chainId: chainIdOf(to), fromRevision: revisionOf(from), toRevision: revisionOf(to) }
  }

  function wayBack({ current, onTrial, before }: Stand): { wayBack?: WayBack } {
    const definition = definitionOf(current)
    if (!onTrial || definition?.instar !== 'upgrade') return {}
    if (isOfTwin(definition)) return { wayBack: { by: 'exact', object: objectPlan(before) } }
    if (definition.reverse !== undefined) return { wayBack: { by: 'transform' } }
    return init.keepBefore ? { wayBack: { by: 'copy', to: before } } : {}
  }

  function modelOf(version: number, role: 'past' | 'future'): SimulationModel {
    const definition = definitionOf(version)
    return (definition?.instar === 'upgrade' ? definition[role]?.model : undefined) ?? 'direct'
  }

  return {
    backFrom(version, stand) {
      const definition = definitionOf(version)
      if (definition?.instar !== 'upgrade' || definition.reverse === undefined) return {}
      const current = version - 1
      return { back: this.planOf({ ...stand, current, highest: current, onTrial: false }, 'transform') }
    },
    revisionOf,
    isTwin,
    load: ({ entry }) => Promise.resolve(definitionOf(Number(entry))),
    planOf(stand, goBack) {
      const { current, lowest, highest } = stand
      const revision = revisionOf(current)
      const past = brought.filter(each => each < revision && each >= revisionOf(lowest)).reverse()
      const future = brought.filter(each => each > revision && each <= revisionOf(highest))
      return {
        format: 1,
        plan: ++plans,
        className: contractOf(definitionOf(current)).name,
        object: objectPlan(current),
        past: past.map(each => {
          const left = nextRevision(each)
          return { ...ref(left), revision: each, model: modelOf(left, 'past') }
        }),
        future: future.map(each => ({ ...ref(each), revision: each, model: modelOf(each, 'future') })),
        steps: Array.from({ length: current - 1 }, (_, i) => stepTo(i + 2)),
        goBack,
        ...(goBack === 'transform' ? { reverse: [reverseStep(current + 1)] } : {}),
        ...wayBack(stand),
        durability: init.durability,
        limits: { loadMs: 10_000, drainMs: 1000, transformMs: init.transformMs, heapMiB: 512 }
      }
    }
  }
}

function ref(version: number): CodeRef {
  return { bundle: `${version}`.padStart(64, '0'), entry: `${version}` }
}

/** Tests have one history: a version's number says it all. */
function chainIdOf(version: number): string {
  return version.toString(16).padStart(16, '0')
}

function contractOf(definition: TestVersions[number] | undefined): Contract {
  if (definition === undefined) throw new RangeError('the test gave no such version')
  return definition.instar === 'class' ? definition.contract : definition.to.contract
}

/** The version that brought each version's contract: an upgrade to the same contract is compatible and brings none (§6). */
function revisionsOf(versions: TestVersions): readonly number[] {
  const revisions: number[] = []
  for (const [i, definition] of versions.entries()) {
    const compatible = definition.instar === 'class' ? i > 0 : definition.from === definition.to.contract
    revisions.push(compatible ? (revisions[i - 1] ?? 1) : i + 1)
  }
  return revisions
}

function transformOf(definition: TestVersions[number] | undefined): TransformKind {
  if (definition?.instar !== 'upgrade') return 'none'
  if (isOfTwin(definition)) return 'mapping'
  if (definition.entries !== undefined) return 'entries'
  return definition.transform === undefined ? 'none' : 'whole'
}

function isOfTwin(definition: TestVersions[number] | undefined): boolean {
  return definition?.instar === 'upgrade' && definition.map !== undefined
}
