import type { CallError, DemoClient } from './clients.js'
import type { Outcome } from './scenario.js'
import type { WatchedPeer } from './watch.js'

/** The demo's result, printed for people or as JSON. */
export interface Summary {
  readonly ok: boolean
  readonly totalMs: number
  /** From the moment when the publishing peer took the descriptor, per peer that was there. */
  readonly descriptorMs: Readonly<Record<string, number>>
  readonly bundleMs: Readonly<Record<string, number>>
  readonly peers: readonly PeerSummary[]
  readonly clients: readonly ClientSummary[]
  readonly outcome: Outcome
  readonly elementsCompared: number
  /** Sentences, the first ones; empty when all is well. */
  readonly failures: readonly string[]
}

interface PeerSummary {
  readonly peer: string
  readonly runs: number
  readonly served: readonly [low: number, high: number] | undefined
  /** How long calls waited while its host was switched. */
  readonly introductionPauseMs: number | undefined
  readonly upgradePauseMs: number | undefined
  /** The longest that an answered call took, as its client saw it, by version. */
  readonly longestCallMs: Readonly<Record<string, number>>
}

interface ClientSummary {
  readonly version: 1 | 2
  readonly calls: number
  readonly disallowed: number
  readonly retries: number
  /** Given up at the deadline, or answered wrongly. */
  readonly errors: number
}

export interface SummaryInit {
  readonly totalMs: number
  readonly publisher: string
  readonly peers: readonly WatchedPeer[]
  readonly clients: readonly { readonly client: Pick<DemoClient, 'version' | 'counts'>; readonly retries: number }[]
  readonly errors: readonly CallError[]
  readonly outcome: Outcome
}

export function toSummary(init: SummaryInit): Summary {
  const { outcome, peers } = init
  const failures = failuresOf(init)
  return {
    ok: failures.length === 0,
    totalMs: init.totalMs,
    ...spreadOf(peers, init.publisher),
    peers: peers.map(each => ({
      peer: each.name,
      runs: each.status?.running.version ?? 0,
      served: each.status?.served,
      introductionPauseMs: each.pausesMs.introduction,
      upgradePauseMs: each.pausesMs.upgrade,
      longestCallMs: Object.fromEntries(
        init.clients.map(({ client }) => [`v${client.version}`, client.counts.longestMs.get(each.name) ?? 0])
      )
    })),
    clients: init.clients.map(({ client: { version, counts }, retries }) => ({
      version,
      calls: counts.calls,
      disallowed: counts.refused,
      retries,
      errors: counts.givenUp + counts.wrong
    })),
    outcome,
    elementsCompared: outcome.checks.reduce((sum, { compared }) => sum + compared, 0),
    failures
  }
}

/** Everything that the demo promises and that did not come true. */
function failuresOf({ clients, errors, outcome, peers }: SummaryInit): readonly string[] {
  const failures = errors.map(({ peer, why }) => `${peer}: ${why}`)
  const counted = clients.reduce((sum, { client: { counts } }) => sum + counts.givenUp + counts.wrong, 0)
  if (counted > errors.length) failures.push(`and ${counted - errors.length} calls more`)
  for (const { client } of clients) {
    if (client.counts.calls === 0) failures.push(`the client of version ${client.version} made no call`)
  }
  const { kill, checks, retired } = outcome
  if (kill.signal !== 'SIGKILL') failures.push(`${kill.peer} ended by ${kill.signal}, not by SIGKILL`)
  if (kill.versionAfterRestart !== 1) {
    failures.push(`${kill.peer} came back at version ${kill.versionAfterRestart}, although its transform was cut off`)
  }
  for (const { peer, version, when, differences } of checks) {
    const [first] = differences
    if (first !== undefined)
      failures.push(`${peer}: ${differences.length} elements differ at version ${version} ${when}: ${first}`)
  }
  for (const { peer, code, served } of retired) {
    if (code === 'Retired' && served?.[0] === 2) continue
    failures.push(`${peer}: a call of version 1 was answered ${code} after its retirement`)
  }
  for (const { name, status } of peers) {
    if (status?.running.version !== 2) failures.push(`${name} runs version ${status?.running.version ?? 'unknown'}`)
  }
  return failures
}

/** When each peer first spoke of version 2, and when it first had the bundle, after the publisher took the descriptor. */
function spreadOf(peers: readonly WatchedPeer[], publisher: string): Pick<Summary, 'descriptorMs' | 'bundleMs'> {
  const earliest = (peer: WatchedPeer | undefined, except: readonly string[]): number =>
    Math.min(...[...(peer?.firstSeen ?? [])].filter(([phase]) => !except.includes(phase)).map(([, atMs]) => atMs))
  const startMs = earliest(
    peers.find(({ name }) => name === publisher),
    []
  )
  const timesOf = (except: readonly string[]): Record<string, number> =>
    Object.fromEntries(
      peers
        .filter(({ name }) => name !== publisher)
        .map(each => [each.name, earliest(each, except) - startMs] as const)
        .filter(([, ms]) => Number.isFinite(ms))
    )
  return { descriptorMs: timesOf([]), bundleMs: timesOf(['known', 'fetching']) }
}
