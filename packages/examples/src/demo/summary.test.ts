import type { PeerStatus } from '@instar/local-network'
import { describe, expect, it } from 'vitest'
import { summaryText } from './summary-text.js'
import { toSummary, type SummaryInit } from './summary.js'
import type { WatchedPeer } from './watch.js'

function watched(name: string, firstSeen: Readonly<Record<string, number>>): WatchedPeer {
  return {
    name,
    shortId: '…12345678',
    state: 'running',
    status: { running: { version: 2, chainId: '' }, served: [2, 2] as [number, number] } as PeerStatus,
    firstSeen: new Map(Object.entries(firstSeen)),
    pausesMs: { introduction: 12.4, upgrade: 130 },
    phase: 'committed',
    reason: ''
  }
}

const counts = { calls: 100, refused: 5, givenUp: 0, wrong: 0, longestMs: new Map([['ada', 40.2]]) }
const good: SummaryInit = {
  totalMs: 30_000,
  publisher: 'cleo',
  peers: [
    watched('ada', { fetching: 1080, rehearsing: 1200, introducing: 2000 }),
    watched('cleo', { fetching: 1000, rehearsing: 1001 })
  ],
  clients: ([1, 2] as const).map(version => ({ client: { version, counts }, retries: 7 })),
  errors: [],
  outcome: {
    kill: { peer: 'dan', signal: 'SIGKILL', versionAfterRestart: 1, awayMs: 4000 },
    latecomer: { peer: 'fay', joinedAtVersion: 2 },
    checks: [{ peer: 'ada', version: 2, when: 'after retirement', compared: 50, differences: [] }],
    retired: [{ peer: 'ada', code: 'Retired', served: [2, 2] }]
  }
}

describe('the summary', () => {
  it('measures the spread from the moment when the publishing peer took the descriptor', () => {
    const { descriptorMs, bundleMs } = toSummary(good)
    expect(descriptorMs).toEqual({ ada: 80 })
    expect(bundleMs).toEqual({ ada: 200 })
  })

  it('passes when everything came true, and fits a terminal', () => {
    const summary = toSummary(good)
    expect(summary).toMatchObject({ ok: true, failures: [], elementsCompared: 50 })
    const text = summaryText(summary, (_, line) => line)
    expect(text).toContain('Version 2: 100 calls, 5 disallowed as declared, 7 retries, 0 errors')
    expect(text.split('\n').every(line => line.length <= 80)).toBe(true)
  })

  it.each<[string, SummaryInit, RegExp]>([
    ['one call went wrong', { ...good, errors: [{ peer: 'ada', client: 2, why: 'red' }] }, /ada: red/],
    [
      'calls were given up that are not listed',
      { ...good, clients: [{ client: { version: 1, counts: { ...counts, givenUp: 1 } }, retries: 0 }] },
      /1 calls more/
    ],
    ['a client did nothing', withCounts({ ...counts, calls: 0 }), /made no call/],
    ['nobody was killed', withOutcome({ kill: { ...good.outcome.kill, signal: 'SIGINT' } }), /not by SIGKILL/],
    ['the transform had ended', withOutcome({ kill: { ...good.outcome.kill, versionAfterRestart: 2 } }), /cut off/],
    [
      'an element differs',
      withOutcome({
        checks: [{ peer: 'ada', version: 1, when: 'before retirement', compared: 9, differences: ['element 3'] }]
      }),
      /1 elements differ at version 1 before retirement: element 3/
    ],
    [
      'version 1 is still served',
      withOutcome({ retired: [{ peer: 'ada', code: 'answered', served: undefined }] }),
      /answered answered after its retirement/
    ],
    [
      'a peer stayed behind',
      {
        ...good,
        peers: [{ ...watched('ada', {}), status: { running: { version: 1, chainId: '' } } as PeerStatus }]
      },
      /ada runs version 1/
    ]
  ])('fails when %s', (_, init, reason) => {
    const summary = toSummary(init)
    expect(summary.ok).toBe(false)
    expect(summary.failures.join('\n')).toMatch(reason)
    expect(summaryText(summary, (_style, line) => line)).toMatch(/The demo failed/)
  })
})

function withOutcome(change: Partial<SummaryInit['outcome']>): SummaryInit {
  return { ...good, outcome: { ...good.outcome, ...change } }
}

function withCounts(changed: typeof counts): SummaryInit {
  return { ...good, clients: [{ client: { version: 1, counts: changed }, retries: 0 }] }
}
