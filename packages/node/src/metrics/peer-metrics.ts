import { divergedAt, servedRange, type PeerState, type Routes } from '@instar/core'
import type { RetryCounters } from '@instar/rpc'
import { contractMethod } from '@instar/simulator-runtime/codec'
import type { FacadeDescription } from '@instar/simulator-runtime/host'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Fault } from '../host/fault-record.js'
import type { HostStats } from '../host/host-manager.js'
import type { Refusal } from '../overlay/refusals.js'
import type { CallTally } from './call-tally.js'

export interface MetricsInit {
  readonly state: () => Readonly<PeerState>
  readonly routes: () => Routes
  readonly hostStats: () => Promise<HostStats>
  readonly calls: CallTally
  readonly refusals: () => readonly Refusal[]
  /** Of the calls that the object makes. */
  readonly outgoing: () => Readonly<RetryCounters>
}

/** What the peer counts, as Prometheus reads it. Counters live as long as the peer: hosts come and go. */
export interface PeerMetrics {
  /** A method went wrong, or a simulation object was withdrawn. */
  fault(fault: Pick<Fault, 'className' | 'revision' | 'method' | 'kind'>): void
  text(): Promise<string>
}

/** Label sets of faults: methods of contracts, and versions for as long as the peer lives. */
const faultsMax = 1000

export function createPeerMetrics(init: MetricsInit): PeerMetrics {
  const registry = new Registry()
  const registers = [registry]
  const faults = new Counter({
    name: 'instar_faults_total',
    help: 'Methods that went wrong, by what it was: see `instar why`.',
    labelNames: ['class', 'version', 'method', 'kind'],
    registers
  })
  const faultSets = new Set<string>()
  const calls = counter('instar_calls_total', 'Calls of other peers and clients, by what they came to.', [
    'class',
    'version',
    'kind',
    'outcome'
  ])
  const disallowed = counter('instar_disallowed_total', 'Calls that a simulation object disallowed (R8).', [
    'class',
    'version',
    'method'
  ])
  const resent = counter(
    'instar_calls_resent_total',
    'Calls that were given to a second host, because the first ended.'
  )
  const held = counter('instar_calls_held_total', 'Calls that waited while hosts changed.')
  const outgoing = counter('instar_outgoing_calls_total', 'Calls that the object made to other peers.')
  const retries = counter('instar_outgoing_retries_total', 'Attempts of such calls after the first.')
  const restarts = counter('instar_host_restarts_total', 'Hosts that ended without having been told to.')
  const refusals = counter(
    'instar_refusals_total',
    'What other programs were refused, by what it was and why: see docs/protocol/limits.md.',
    ['kind', 'reason']
  )
  const queue = gauge('instar_queue_calls', 'Calls that wait for a host now.')
  const running = gauge('instar_running_calls', 'Calls that a host has now.')
  const memory = gauge(
    'instar_host_memory_bytes',
    'Memory of the host process, without the pages of files that it has mapped.'
  )
  const version = gauge(
    'instar_version',
    'Versions by what they are here: running, newest, lowest and highest served.',
    ['is']
  )
  const phases = gauge('instar_version_phase', 'Always 1: the phase of each version that is not settled here.', [
    'version',
    'phase'
  ])

  const fresh = gauge(
    'instar_trust_fresh_until_seconds',
    'Until when the trust documents count as fresh, as a unix time; 0 when nothing vouches for what is held.'
  )
  const stopped = gauge('instar_stopped_version', 'Always 1: the versions that are halted, or frozen by a fork.', [
    'version',
    'by'
  ])
  const diverged = gauge(
    'instar_diverged_version',
    'The version from which on this peer answers nothing, because the root decided against what it has committed; 0 otherwise.'
  )

  function counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers })
  }

  function gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers })
  }

  function readCalls(facades: readonly FacadeDescription[]): void {
    const routes = new Map(init.routes().entries.map(entry => [entry.version, entry]))
    calls.reset()
    disallowed.reset()
    for (const each of init.calls.entries()) {
      // What no contract knows is a word of a caller's, and no label.
      const route = routes.get(each.version)
      const found = facades
        .find(({ revision }) => revision === route?.revision)
        ?.methods.find(({ name }) => name === each.method)
      const labels = { class: route?.className ?? 'unknown', version: route === undefined ? 'unknown' : each.version }
      const kind = each.method === contractMethod ? 'describe' : (found?.kind ?? 'unknown')
      calls.inc({ ...labels, kind, outcome: each.outcome }, each.count)
      if (each.outcome === 'Disallowed') disallowed.inc({ ...labels, method: found?.name ?? 'unknown' }, each.count)
    }
  }

  function readState(state: Readonly<PeerState>): void {
    const served = servedRange(state)
    version.set({ is: 'running' }, state.running)
    version.set({ is: 'newest' }, state.log.length)
    version.set({ is: 'lowest_served' }, served?.[0] ?? 0)
    version.set({ is: 'highest_served' }, served?.[1] ?? 0)
    phases.reset()
    for (const { version, phase } of state.versions.values()) {
      if (phase !== 'retired' && !(phase === 'committed' && version < state.running)) phases.set({ version, phase }, 1)
    }
    fresh.set(state.freshUntilMs / 1000)
    stopped.reset()
    for (const each of state.halted.keys()) stopped.set({ version: each, by: 'halt' }, 1)
    for (const each of state.frozen) stopped.set({ version: each, by: 'fork' }, 1)
    diverged.set(divergedAt(state) ?? 0)
    set(restarts, state.host.crashes)
  }

  function readHost(stats: HostStats): void {
    set(resent, stats.calls.resent)
    set(held, stats.held.total)
    queue.set(stats.held.calls)
    running.set(stats.calls.running)
    memory.set(stats.memory?.used ?? 0)
  }

  return {
    fault({ className, revision, method, kind }) {
      const labels = { class: className, version: revision, method, kind }
      const key = JSON.stringify(labels)
      if (faultSets.size >= faultsMax && !faultSets.has(key)) labels.method = 'others'
      else faultSets.add(key)
      faults.inc(labels)
    },
    async text() {
      const stats = await init.hostStats()
      const { calls, retries: again } = init.outgoing()
      readCalls(stats.facades)
      readState(init.state())
      readHost(stats)
      refusals.reset()
      for (const { kind, reason, count } of init.refusals()) refusals.inc({ kind, reason }, count)
      set(outgoing, calls)
      set(retries, again)
      return registry.metrics()
    }
  }
}

/** The count is kept elsewhere; it is read at each look. */
function set(counter: Counter, count: number): void {
  counter.reset()
  counter.inc(count)
}
