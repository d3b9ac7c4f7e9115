import { syncLimits } from '../overlay/limits.js'

interface Doubt {
  readonly times: number
  readonly untilMs: number
}

/**
 * Peers that claimed to hold more than is here and gave nothing of it. Each is asked again, since it may only have been early, but ever more seldom: claiming costs nothing, and every claim would
 * cost an exchange. Whatever true comes from it clears it.
 */
export class Doubts {
  private readonly doubts = new Map<string, Doubt>()

  constructor(private readonly now: () => number) {}

  add(peer: string): void {
    const times = (this.doubts.get(peer)?.times ?? 0) + 1
    const waitMs = Math.min(syncLimits.doubtLongestMs, syncLimits.doubtFirstMs * 2 ** Math.min(times - 1, 20))
    this.doubts.delete(peer)
    const oldest = this.doubts.keys().next().value
    if (this.doubts.size >= peersMax && oldest !== undefined) this.doubts.delete(oldest)
    this.doubts.set(peer, { times, untilMs: this.now() + waitMs })
  }

  clear(peer: string): void {
    this.doubts.delete(peer)
  }

  has(peer: string): boolean {
    return (this.doubts.get(peer)?.untilMs ?? 0) > this.now()
  }
}

const peersMax = 1000
