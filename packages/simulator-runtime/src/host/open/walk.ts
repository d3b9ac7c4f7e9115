import type { StateMeta, UpgradeStep } from '@instar/core'
import type { StoredMeta } from './meta.js'
import type { BringInit } from './take-step.js'

/**
 * The record of a switch through several versions while it is under way (§14). It goes on naming the state of before, on which the object serves
 * again if the switch is given up, and carries the newest step beside it: so each step is on disk, and none of them is a version that runs.
 */
export function underWay(start: StoredMeta, taken: StoredMeta): StoredMeta {
  return { ...start, meta: { ...withoutWalked(start.meta), walked: { className: taken.className, meta: taken.meta } } }
}

/** Where this switch goes on that another process has begun: nothing has served since, and its way back is the same. */
export function walkedSoFar({ plan }: BringInit, { meta: { current, walked } }: StoredMeta): StoredMeta | undefined {
  if (walked === undefined || !leadsThrough(plan.steps, current, walked.meta)) return undefined
  const kept = walked.meta.before?.current
  const isSameWayBack = plan.wayBack?.by === 'copy' ? kept === plan.wayBack.to : kept === undefined
  return isSameWayBack ? walked : undefined
}

export function withoutWalked({ walked: _dropped, ...meta }: StateMeta): StateMeta {
  return meta
}

function leadsThrough(steps: readonly UpgradeStep[], from: number, { current, chainId }: StateMeta): boolean {
  const isBegun = steps.some(step => step.from === from)
  const isOnTheWay = steps.slice(0, -1).some(step => step.to === current && step.chainId === chainId)
  return isBegun && isOnTheWay
}
