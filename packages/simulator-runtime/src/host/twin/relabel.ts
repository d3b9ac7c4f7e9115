import type { ObjectPlan, StateMeta, UpgradeStep } from '@instar/core'

/**
 * The upgrade of a twin, or what brings it back: the same states in other roles, so that no answer changes (R10) and nothing is lost (R22).
 * All there is to it is this record (§8).
 */
export function upgraded(meta: StateMeta, step: UpgradeStep): StateMeta | undefined {
  const { [String(step.toRevision)]: built, ...future } = meta.spaces.future
  if (built === undefined || meta.revision !== step.fromRevision) return undefined
  return {
    ...meta,
    current: step.to,
    chainId: step.chainId,
    revision: step.toRevision,
    generation: meta.generation + 1,
    spaces: { object: built, past: { ...meta.spaces.past, [String(step.fromRevision)]: meta.spaces.object }, future },
    outgrown: { ...meta.outgrown, [String(step.fromRevision)]: { current: meta.current, chainId: meta.chainId } }
  }
}

/** The way back to an object whose class lives on as a past simulation object; those in between are of newer versions then, like the object. */
export function wentBack(meta: StateMeta, object: ObjectPlan): StateMeta | undefined {
  const { [String(object.revision)]: kept, ...others } = meta.spaces.past
  const isNewer = ([revision]: [string, string]): boolean => Number(revision) > object.revision
  const between = Object.fromEntries(Object.entries(others).filter(isNewer))
  const past = Object.fromEntries(Object.entries(others).filter(each => !isNewer(each)))
  if (kept === undefined || object.revision >= meta.revision) return undefined
  const { [String(object.revision)]: _isTheObject, ...outgrown } = meta.outgrown ?? {}
  return {
    ...meta,
    outgrown,
    current: object.version,
    chainId: object.chainId,
    revision: object.revision,
    generation: meta.generation + 1,
    spaces: {
      object: kept,
      past,
      future: { ...meta.spaces.future, ...between, [String(meta.revision)]: meta.spaces.object }
    }
  }
}
