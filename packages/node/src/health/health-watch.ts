import { classAt, trialPolicy, type CallErrorCode, type CallFigures, type Fact, type PeerState } from '@instar/core'
import type { HostCallHeader } from '../host/host-port.js'
import { createCallWindow, type CallerAccount } from './call-window.js'

/** Counts what callers meet with at the object, and tells the core while it is on trial (§15). */
export interface HealthWatch {
  /** Whom a call counts for; undefined: for nobody. Asked when a host is given the call, so that its answer counts for the version that had it. */
  accountOf(header: HostCallHeader): CallerAccount | undefined
  /** A call with an account was answered: with a result, or with an error. */
  answered(account: CallerAccount, code?: CallErrorCode): void
  /** The core's state has changed. */
  changed(): void
  stop(): void
}

export interface HealthWatchInit {
  readonly state: () => Readonly<PeerState>
  readonly input: (fact: Fact) => void
  /** Monotonic milliseconds. */
  readonly now: () => number
}

const tellEveryMs = 1000
/** After an error, so that many at once are one fact. */
const tellSoonMs = 100

/** Answers that count against a class (§15); a contractual `Failed` is an answer like others, and all else says nothing about it. */
const faults: ReadonlySet<CallErrorCode> = new Set(['OutOfContract', 'OutgoingCallInCommand'])

export function createHealthWatch({ state, input, now }: HealthWatchInit): HealthWatch {
  const window = createCallWindow(now)
  /** What is measured: undefined before the first look. */
  let measured: { version: number; round: number; isTrial: boolean } | undefined
  let before: CallFigures | undefined
  let revision = 0
  let fromMs = 0
  let hasNews = false
  let soon: NodeJS.Timeout | undefined

  const timer = setInterval(() => {
    window.rotate()
    if (hasNews) tell()
  }, tellEveryMs).unref()

  function tell(): void {
    clearTimeout(soon)
    soon = undefined
    hasNews = false
    if (measured?.isTrial !== true) return
    const { version, round } = measured
    const figures = window.figures()
    const answered = window.answered()
    input({ fact: 'health', version, round, figures, answered, ...(before === undefined ? {} : { before }) })
  }

  function tellSoon(ms: number): void {
    soon ??= setTimeout(tell, ms).unref()
  }

  /** Another object, or another round of its trial: what was counted is what was before, or says nothing any more. */
  function measure(next: NonNullable<typeof measured>): void {
    const isSuccessor = measured !== undefined && next.version > measured.version
    if (next.isTrial && isSuccessor) before = window.figures()
    else if (measured?.version !== next.version) before = undefined
    measured = next
    window.clear()
    const { waitMs } = trialPolicy(state(), next.version)
    fromMs = next.isTrial && waitMs > 0 ? now() + waitMs : 0
    if (next.isTrial) tellSoon(0)
  }

  return {
    accountOf(header) {
      // Ahead of the object only simulation objects of versions to come answer: that is not how this one is.
      if (header.revision > revision || header.isProbe === true || (fromMs > 0 && now() < fromMs)) return undefined
      return window.accountOf(header.caller)
    },
    answered(account, code) {
      if (code !== undefined && code !== 'Failed') {
        if (!faults.has(code)) return
        account.errors++
        if (measured?.isTrial === true) tellSoon(tellSoonMs)
      }
      account.calls++
      hasNews = true
    },
    changed() {
      const { lineage, log, running, versions } = state()
      if (lineage === undefined) return
      const trial = versions.get(running)?.trial
      const next = { version: running, round: trial?.round ?? 0, isTrial: trial !== undefined }
      if (measured?.version === next.version && measured.round === next.round && measured.isTrial === next.isTrial)
        return
      revision = classAt(log, lineage, running).revision
      if (measured?.version === next.version && !next.isTrial) measured = next
      else measure(next)
    },
    stop() {
      clearInterval(timer)
      clearTimeout(soon)
    }
  }
}
