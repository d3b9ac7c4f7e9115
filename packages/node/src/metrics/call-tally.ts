import type { CallErrorCode } from '@instar/core'
import type { CallHeader } from '@instar/rpc'

export type CallOutcome = 'ok' | CallErrorCode

/** How often each method of each version was called here, and what that came to, since the start of the peer. */
export interface CallTally {
  count(header: CallHeader, outcome: CallOutcome): void
  entries(): Iterable<{
    readonly version: number
    readonly method: string
    readonly outcome: CallOutcome
    readonly count: number
  }>
}

/** Both are words of callers: beyond so many they are counted together, as version 0 or the method of no name. */
const versionsMax = 256
const methodsMax = 256

/** Asked at every call: two looks into maps and an addition. What it means is found out when somebody reads it. */
export function createCallTally(): CallTally {
  const versions = new Map<number, Map<string, Map<CallOutcome, number>>>()

  function methodsOf(version: number): Map<string, Map<CallOutcome, number>> {
    const known = versions.get(version)
    if (known !== undefined) return known
    if (versions.size >= versionsMax && version !== 0) return methodsOf(0)
    const methods = new Map<string, Map<CallOutcome, number>>()
    versions.set(version, methods)
    return methods
  }

  function outcomesOf(methods: Map<string, Map<CallOutcome, number>>, method: string): Map<CallOutcome, number> {
    const known = methods.get(method)
    if (known !== undefined) return known
    if (methods.size >= methodsMax && method !== '') return outcomesOf(methods, '')
    const outcomes = new Map<CallOutcome, number>()
    methods.set(method, outcomes)
    return outcomes
  }

  return {
    count({ version, method }, outcome) {
      const outcomes = outcomesOf(methodsOf(version), method)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    },
    *entries() {
      for (const [version, methods] of versions)
        for (const [method, outcomes] of methods)
          for (const [outcome, count] of outcomes) yield { version, method, outcome, count }
    }
  }
}
