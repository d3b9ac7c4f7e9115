/** The phases of one version at one peer; a closed list. A peer has one per version that is not settled. */
export const phases = [
  'known',
  'fetching',
  'rehearsing',
  'introducing',
  'probation',
  'introduced',
  'waiting',
  'preparing',
  'draining',
  'transforming',
  'activating',
  'trial',
  'committed',
  'retired',
  'introduceFailed',
  'withdrawn',
  'goingBack',
  'wentBack',
  'failed',
  'halted',
  'frozen',
  'superseded',
  'diverged'
] as const

/** How far one version has come at one peer. `diverged`: the peer has committed what the root has decided against (§6). */
export type Phase = (typeof phases)[number]

const rank: Readonly<Record<string, number>> = Object.fromEntries(phases.map((phase, i) => [phase, i]))

/** Whether the peer is down for the upgrade: from before its drain until it serves the new version (R18: never taken for failed). */
export function isSwitching(phase: Phase): boolean {
  return (
    phase === 'preparing' ||
    phase === 'draining' ||
    phase === 'transforming' ||
    phase === 'activating' ||
    phase === 'goingBack'
  )
}

/** Whether a peer in this phase counts as down or on trial for a limit (§3.6). */
export function occupiesLimit(phase: Phase): boolean {
  return isSwitching(phase) || phase === 'trial'
}

/** Whether the version is served by a future simulation object in this phase. */
export function isIntroduced(phase: Phase): boolean {
  return phase === 'introduced' || phase === 'waiting' || phase === 'probation' || isSwitching(phase)
}

/** Whether something else than its own way keeps the version where it is, until that is gone (§4, R20). */
export function isStopped(phase: Phase): boolean {
  return phase === 'halted' || phase === 'frozen' || phase === 'superseded'
}

/** Whether this phase reports that the version did harm or could not be brought up here (§1, health gate). */
export function isTrouble(phase: Phase): boolean {
  return phase === 'introduceFailed' || phase === 'failed' || phase === 'wentBack'
}

/** Orders phases along the way of an upgrade that goes well; phases off that way come after. */
export function comparePhases(a: Phase, b: Phase): number {
  return (rank[a] ?? 0) - (rank[b] ?? 0)
}
