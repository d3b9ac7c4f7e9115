import { isSwitching } from './phase.js'
import { effectivePolicy } from './policy.js'
import type { PeerState } from './state.js'
import { setPhase, wakeAtMono, type Turn } from './turn.js'

/** Crashes in a row of committed code from which on a peer speaks of a crash loop. */
const loopFrom = 5

/** A host that does not stay up although nothing but committed code runs in it: there is nothing to withdraw and nowhere to go back to. */
export interface CrashLoop {
  readonly crashes: number
  readonly cause: string
  /** It is not started again before the operator says so. */
  readonly isParked: boolean
}

/** A host that has run well for so long does not pay for what happened before, and others hear that it does. */
export function watchCrashLoop(turn: Turn): void {
  const { state, now } = turn
  const { host, config } = state
  if (host.status !== 'up' || host.committedCrashes === 0) return
  if (lastCrashIsOver(host, config.timing.retryMaxMs, now.monoMs)) host.committedCrashes = 0
  else wakeAtMono(turn, host.upMonoMs + config.timing.retryMaxMs + 1)
}

/** The crash loop that this peer is in, for whoever has to be told (R18); undefined when there is none, or not any more. */
export function crashLoopOf({ host, config }: Readonly<PeerState>, monoMs: number): CrashLoop | undefined {
  const { parked, committedCrashes: crashes, lastError } = host
  if (parked !== undefined) return { crashes: parked.crashes, cause: parked.cause, isParked: true }
  if (crashes < loopFrom || lastCrashIsOver(host, config.timing.retryMaxMs, monoMs)) return undefined
  return { crashes, cause: host.loopCause ?? lastError ?? 'unknown', isParked: false }
}

/**
 * Whether the host does not stay up and only another version can change that. Nothing new is loaded beside the one that crashes, where it would
 * be blamed for it; and as nobody is served, nobody is served less by going to the next version without an introduction (decision 51).
 */
export function isLooping({ state, now }: Turn): boolean {
  return crashLoopOf(state, now.monoMs) !== undefined
}

/** For people: what the host does, or why it does not run. */
export function crashLoopWords({ crashes, cause, isParked }: CrashLoop): string {
  return isParked
    ? `its host is parked after ${crashes} crashes in a row: ${cause}`
    : `its host crashes again and again: ${cause}`
}

function lastCrashIsOver(host: PeerState['host'], runsWellAfterMs: number, monoMs: number): boolean {
  return host.status === 'up' && monoMs - host.upMonoMs > runsWellAfterMs
}

/**
 * The host has crashed, or could not be started. Counted where only committed code can have done it, and parked where the operator's policy
 * wants that: whatever else is in a host has remedies of its own.
 *
 * @param suspect the revision of the façade whose code brought it down, where that is known
 */
export function countCrash(turn: Turn, cause: string, suspect?: number): void {
  const { state, now } = turn
  const { host } = state
  if (!isObjectCommitted(state)) {
    host.committedCrashes = 0
    return
  }
  if (suspect === undefined ? hasFuture(host) : suspect !== host.plan?.object.revision) return
  host.committedCrashes++
  host.loopCause = cause
  if (host.committedCrashes >= loopFrom) acquitSuspects(turn)
  const { parkAfterCrashes } = effectivePolicy(state)
  if (parkAfterCrashes === undefined || host.committedCrashes < parkAfterCrashes) return
  host.parked = { crashes: host.committedCrashes, cause, sinceWallMs: now.wallMs }
  turn.entries.push({ type: 'parked', crashes: host.committedCrashes, cause, atMs: now.wallMs })
}

/** It crashes without them, too: they are introduced as if they had never been. */
function acquitSuspects(turn: Turn): void {
  for (const { version, phase, isSuspected } of turn.state.versions.values())
    if (phase === 'introduceFailed' && isSuspected) setPhase(turn, version, 'known')
}

function isObjectCommitted({ versions, running }: PeerState): boolean {
  const phase = versions.get(running)?.phase
  return phase === undefined || (phase !== 'trial' && !isSwitching(phase))
}

/** Where nobody knows whose doing a crash was, the newest code is suspected, and withdrawn. */
function hasFuture({ goal }: PeerState['host']): boolean {
  return goal !== undefined && goal.high > goal.object
}

/** The host is started again, now, with all its patience back: by the operator's word, or with another version in it. */
export function unpark(turn: Turn): void {
  const { host } = turn.state
  if (host.parked !== undefined) turn.entries.push({ type: 'unparked' })
  host.parked = undefined
  host.committedCrashes = 0
  host.failures = 0
  host.retryMonoMs = 0
}
