import type { CallFigures, CallerFigures } from '@instar/core'

/** What one caller's calls came to. Written by whoever has got it from {@link CallWindow.accountOf}: two additions per call are all it costs. */
export interface CallerAccount {
  calls: number
  errors: number
}

/** A window over the calls to an object: the last ten minutes, or the last thousand calls where that is longer. */
export interface CallWindow {
  /** The account of a caller now; to be asked for at every call. */
  accountOf(caller: string): CallerAccount
  figures(): CallFigures
  /** Calls that went well since the last `clear`, beyond the window too. */
  answered(): number
  clear(): void
  /** Moves on, where it is time; to be called every few seconds. */
  rotate(): void
}

/** Callers that are told apart at once; of more, those that came first are added up. */
const callersMax = 512
const spanMs = 10 * 60_000
const callsMin = 1000

interface Half {
  readonly sinceMs: number
  readonly accounts: Map<string, CallerAccount>
  /** What was added up. */
  readonly rest: { calls: number; errors: number; callers: number; shares: number }
}

/** Two halves, the older of which goes as a whole: nothing is kept per call. */
export function createCallWindow(now: () => number): CallWindow {
  let current = createHalf(now())
  let previous: Half | undefined
  /** Went well in halves that have gone. */
  let gone = 0

  return {
    accountOf(caller) {
      const { accounts, rest } = current
      const known = accounts.get(caller)
      if (known !== undefined) return known
      if (accounts.size >= callersMax) addUp(accounts, rest)
      const account = { calls: 0, errors: 0 }
      accounts.set(caller, account)
      return account
    },
    figures: () => figuresOf(previous === undefined ? [current] : [previous, current]),
    answered: () => gone + (previous === undefined ? 0 : wellIn(previous)) + wellIn(current),
    clear() {
      current = createHalf(now())
      previous = undefined
      gone = 0
    },
    rotate() {
      if (now() - current.sinceMs < spanMs || wellIn(current) < callsMin) return
      if (previous !== undefined) gone += wellIn(previous)
      previous = current
      current = createHalf(now())
    }
  }
}

function createHalf(sinceMs: number): Half {
  return { sinceMs, accounts: new Map(), rest: { calls: 0, errors: 0, callers: 0, shares: 0 } }
}

/** The one that came first makes room. */
function addUp(accounts: Half['accounts'], rest: Half['rest']): void {
  const [first] = accounts
  if (first === undefined) return
  const [caller, { calls, errors }] = first
  accounts.delete(caller)
  if (calls === 0) return
  rest.callers++
  rest.calls += calls
  rest.errors += errors
  rest.shares += errors / calls
}

function wellIn({ accounts, rest }: Half): number {
  let well = rest.calls - rest.errors
  for (const { calls, errors } of accounts.values()) well += calls - errors
  return well
}

function figuresOf(halves: readonly Half[]): CallFigures {
  const callers = new Map<string, { calls: number; errors: number }>()
  const sum = { calls: 0, errors: 0, callers: 0, shares: 0 }
  for (const { accounts, rest } of halves) {
    for (const [caller, { calls, errors }] of accounts) {
      if (calls === 0) continue
      const known = callers.get(caller)
      callers.set(caller, { calls: calls + (known?.calls ?? 0), errors: errors + (known?.errors ?? 0) })
    }
    sum.calls += rest.calls
    sum.errors += rest.errors
    sum.callers += rest.callers
    sum.shares += rest.shares
  }
  const failing: CallerFigures[] = []
  for (const [caller, { calls, errors }] of callers) {
    sum.calls += calls
    sum.errors += errors
    sum.callers++
    sum.shares += errors / calls
    if (errors > 0) failing.push({ caller, calls, errors })
  }
  return { ...sum, failing }
}
