import type { PeerStatus } from '@instar/local-network'
import { describe, expect, it } from 'vitest'
import { createRate } from './rate.js'
import { renderFrame, withNames, type Frame } from './view.js'
import type { WatchedPeer } from './watch.js'

function watched(name: string, change: Partial<WatchedPeer>): WatchedPeer {
  const status = { running: { version: 1, chainId: '' }, served: [1, 2] as [number, number] } as PeerStatus
  const base = { shortId: `…${name.padEnd(8, 'x')}`, state: 'running', phase: 'waiting', reason: '' } as const
  return { name, ...base, status, firstSeen: new Map(), pausesMs: {}, ...change }
}

const row = {
  version: 1,
  calls: 1234,
  callsPerSecond: 300,
  disallowed: 0,
  retries: 12,
  errors: 0,
  underWay: 4
} as const
const frame: Frame = {
  elapsedMs: 12_340,
  peers: [
    watched('ada', { phase: 'transforming' }),
    watched('ben', { reason: 'rolling: 1 at once, and 1 upgrading (…adaxxxxx)' }),
    watched('cleo', { reason: 'x'.repeat(200) }),
    watched('dan', { state: 'killed' }),
    watched('eve', {}),
    watched('fay', { state: 'starting', status: undefined })
  ],
  clients: [row, { ...row, version: 2, disallowed: 99 }],
  events: Array.from({ length: 50 }, (_, i) => ` ${i} s  something happened ${'y'.repeat(100)}`)
}

describe('the picture', () => {
  it('fits a terminal of 80 columns and 24 rows, whatever it has to show', () => {
    const lines = renderFrame(frame, { columns: 80, rows: 24 }, (_, text) => text)
    expect(lines.length).toBeLessThan(24)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThan(80)
    expect(lines.join('\n')).toContain('ben   v1    v1–v2   waiting       rolling: 1 at once, and 1 upgrading (ada)')
    expect(lines.at(-1)).toMatch(/^ 49 s/)
  })

  it('shows work as work and a killed peer as killed', () => {
    const lines = renderFrame(frame, { columns: 80, rows: 24 }, (style, text) => `<${style}>${text}</>`)
    expect(lines.find(line => line.includes('ada'))).toContain('<cyan>transforming</>')
    expect(lines.find(line => line.includes('dan'))).toMatch(/^<red>dan +killed/)
  })

  it('calls peers by their names in reasons', () => {
    expect(withNames('waits for …abc', [{ name: 'ada', shortId: '…abc' }])).toBe('waits for ada')
    expect(withNames('waits for …abc', [{ name: 'ada', shortId: '' }])).toBe('waits for …abc')
  })
})

describe('a rate', () => {
  it('is that of about the last second', () => {
    let nowMs = 0
    const rate = createRate(() => nowMs)
    const at = (ms: number, count: number): number => {
      nowMs = ms
      return rate.perSecond(count)
    }
    expect(at(0, 0)).toBe(0)
    expect(at(500, 100)).toBe(200)
    expect(at(1500, 300)).toBe(200)
    expect(at(5000, 300)).toBe(0)
  })
})
