import type { HostPlan, StateMeta } from '@instar/core'
import { keep } from '../open/kept-states.js'
import { upgraded, wentBack } from './relabel.js'

/**
 * The record of a plan that a running host can take over without another process, because it loads no code and builds no state: a twin
 * becomes the object or stops being it, or a trial has ended (§8, §10). `undefined` for every other plan.
 *
 * @param building revisions whose state is not there yet; that goes on
 */
export function takenOver(
  plan: HostPlan,
  meta: StateMeta,
  building: ReadonlySet<number>,
  nowMs: number
): StateMeta | undefined {
  const moved = movedTo(plan, meta)
  if (moved === undefined) return undefined
  const { before, ...rest } = moved
  const future = plan.future.filter(each => !building.has(each.revision))
  const isSame = sameKeys(moved.spaces.past, plan.past) && sameKeys(moved.spaces.future, future)
  if (!isSame || moved.withdrawn !== undefined) return undefined
  // Going back by copy brings other states back; that they are kept is all that a running host may change.
  if (plan.wayBack?.by === 'copy') return before === undefined ? undefined : moved
  return before === undefined ? rest : keep(rest, before, nowMs)
}

function movedTo({ object, steps, goBack }: HostPlan, meta: StateMeta): StateMeta | undefined {
  if (object.version === meta.current) return meta
  if (goBack !== undefined) return goBack === 'exact' ? wentBack(meta, object) : undefined
  let moved: StateMeta | undefined = meta
  for (const step of steps) {
    if (step.to <= meta.current) continue
    moved = moved.current === step.from && step.transform === 'mapping' ? upgraded(moved, step) : undefined
    if (moved === undefined) return undefined
  }
  return moved.current === object.version ? moved : undefined
}

function sameKeys(spaces: Readonly<Record<string, string>>, plans: HostPlan['past']): boolean {
  return plans.length === Object.keys(spaces).length && plans.every(each => spaces[each.revision] !== undefined)
}
