import { sendOffLimits } from './limits.js'

export interface SentOffPeer {
  readonly peer: string
  readonly reason: string
  readonly sinceMs: number
  readonly untilMs: number
}

const growthMax = 16

interface Entry extends SentOffPeer {
  readonly times: number
}

/**
 * The peers that are not let in for a while, and why. Whoever comes back and does it again stays away twice as long. gossipsub forgets a bad score when a peer connects again, so this is what
 * keeps it out. Bounded; beyond that the one sent off first may come back.
 */
export class SentOff {
  private readonly entries = new Map<string, Entry>()

  constructor(private readonly now: () => number) {}

  add(peer: string, reason: string, forMs: number): SentOffPeer {
    const { peersMax, longestMs } = sendOffLimits
    const nowMs = this.now()
    const before = this.entries.get(peer)
    const times = before === undefined || before.untilMs + longestMs < nowMs ? 1 : before.times + 1
    const untilMs = nowMs + Math.min(longestMs, forMs * Math.min(growthMax, 2 ** (times - 1)))
    const entry = { peer, reason, sinceMs: nowMs, untilMs: Math.max(untilMs, before?.untilMs ?? 0), times }
    this.entries.delete(peer)
    const oldest = this.entries.keys().next().value
    if (this.entries.size >= peersMax && oldest !== undefined) this.entries.delete(oldest)
    this.entries.set(peer, entry)
    return entry
  }

  has(peer: string): boolean {
    return (this.entries.get(peer)?.untilMs ?? 0) > this.now()
  }

  /** Those that are away now, the last first. */
  all(): readonly SentOffPeer[] {
    const nowMs = this.now()
    return [...this.entries.values()]
      .filter(({ untilMs }) => untilMs > nowMs)
      .map(({ peer, reason, sinceMs, untilMs }) => ({ peer, reason, sinceMs, untilMs }))
      .reverse()
  }
}
