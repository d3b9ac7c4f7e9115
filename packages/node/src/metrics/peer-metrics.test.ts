import { createPeerState, defaultPolicy, defaultTiming, type Routes } from '@instar/core'
import { createRetryCounters, type CallHeader } from '@instar/rpc'
import { describe, expect, it } from 'vitest'
import type { HostStats } from '../host/host-manager.js'
import { createCallTally } from './call-tally.js'
import { createPeerMetrics } from './peer-metrics.js'

const routes: Routes = {
  entries: [{ version: 1, chainId: 'c'.repeat(16), className: 'Set', state: 'served', revision: 1 }],
  served: [1, 1],
  newest: 1
}
const stats = {
  facades: [
    {
      revision: 1,
      role: 'past',
      className: 'Set',
      implementation: 'PastSet',
      methods: [{ name: 'size', kind: 'query' }]
    }
  ],
  serving: true,
  switching: false,
  memory: { used: 1000, heapUsed: 1 },
  calls: { running: 2, total: 9, cut: 1, resent: 3 },
  held: { calls: 4, bytes: 5, total: 6, refused: 7 }
} as unknown as HostStats
const header = (version: number, method: string): CallHeader => ({
  version,
  method,
  className: 'Set',
  seq: 0,
  doneBelow: 0,
  remainingMs: 1
})

function setUp() {
  const calls = createCallTally()
  const state = createPeerState({
    ...{ peer: 'me', className: 'Set', groups: [], instar: '0.0.0', alone: true },
    timing: defaultTiming,
    policy: defaultPolicy,
    archive: false
  })
  const metrics = createPeerMetrics({
    state: () => state,
    routes: () => routes,
    hostStats: async () => stats,
    calls,
    refusals: () => [{ kind: 'gossip', reason: 'TooLarge', count: 7 }],
    outgoing: () => ({ ...createRetryCounters(), calls: 8, retries: 2 })
  })
  return { calls, metrics, state }
}

describe('the metrics of what is stopped', () => {
  it('name each version that is halted or frozen, and from where on the peer is diverged', async () => {
    const { metrics, state } = setUp()
    state.halted.set(3, { unload: false, reason: 'it is slow' })
    state.frozen.add(4)
    state.freshUntilMs = 1_800_000_000_500
    const text = await metrics.text()
    expect(text).toContain('instar_stopped_version{version="3",by="halt"} 1')
    expect(text).toContain('instar_stopped_version{version="4",by="fork"} 1')
    expect(text).toContain('instar_diverged_version 0')
    expect(text).toContain('instar_trust_fresh_until_seconds 1800000000.5')
  })
})

describe('the metrics of a peer', () => {
  it('count calls by class, version, kind and outcome, and name what was disallowed', async () => {
    const { calls, metrics, state } = setUp()
    state.host.crashes = 5
    calls.count(header(1, 'size'), 'ok')
    calls.count(header(1, 'size'), 'Disallowed')
    calls.count(header(1, 'size'), 'Disallowed')
    metrics.fault({ className: 'Set', revision: 1, method: 'size', kind: 'HostStalled' })
    for (let look = 0; look < 2; look++) {
      const text = await metrics.text()
      for (const line of [
        'instar_calls_total{class="Set",version="1",kind="query",outcome="ok"} 1',
        'instar_calls_total{class="Set",version="1",kind="query",outcome="Disallowed"} 2',
        'instar_disallowed_total{class="Set",version="1",method="size"} 2',
        'instar_faults_total{class="Set",version="1",method="size",kind="HostStalled"} 1',
        'instar_calls_resent_total 3',
        'instar_calls_held_total 6',
        'instar_outgoing_calls_total 8',
        'instar_outgoing_retries_total 2',
        'instar_refusals_total{kind="gossip",reason="TooLarge"} 7',
        'instar_host_restarts_total 5',
        'instar_queue_calls 4',
        'instar_running_calls 2',
        'instar_host_memory_bytes 1000',
        'instar_version{is="running"} 0'
      ])
        expect(text.split('\n')).toContain(line)
    }
  })

  it('make no label of what callers say, and keep a bounded number of it', async () => {
    const { calls, metrics } = setUp()
    for (let i = 0; i < 1000; i++) {
      calls.count(header(1, `method ${i}`), 'UnknownMethod')
      calls.count(header(i + 2, 'size'), 'NotYet')
    }
    expect([...calls.entries()].length).toBeLessThan(600)
    const lines = (await metrics.text()).split('\n').filter(line => line.startsWith('instar_calls_total'))
    expect(lines).toEqual([
      'instar_calls_total{class="Set",version="1",kind="unknown",outcome="UnknownMethod"} 1000',
      'instar_calls_total{class="unknown",version="unknown",kind="unknown",outcome="NotYet"} 1000'
    ])
  })
})
