export interface AnnouncementRates {
  /** Changes of phase go out at once, but at most so many a minute (§13: 12). */
  readonly urgentPerMinute: number
  /** All other changes are coalesced to one per this time (§13: 10 s). */
  readonly coalesceMs: number
  /** A whole statement goes out at least this often, jittered by a quarter both ways (§13: 10 min). */
  readonly refreshMs: number
}

export const defaultRates: AnnouncementRates = { urgentPerMinute: 12, coalesceMs: 10_000, refreshMs: 600_000 }

/** Says when the next statement may go out. Time is passed in. */
export class AnnouncementPace {
  private tokens: number
  private filledAtMs: number
  private sentAtMs = -Infinity

  constructor(
    private readonly rates: AnnouncementRates,
    nowMs: number
  ) {
    this.tokens = rates.urgentPerMinute
    this.filledAtMs = nowMs
  }

  /** How long a change must wait; 0: it goes now. */
  waitMs(urgent: boolean, nowMs: number): number {
    this.fill(nowMs)
    if (!urgent) return Math.max(0, this.sentAtMs + this.rates.coalesceMs - nowMs)
    return this.tokens >= 1 ? 0 : Math.ceil((1 - this.tokens) * this.msPerToken())
  }

  sent(urgent: boolean, nowMs: number): void {
    this.fill(nowMs)
    if (urgent) this.tokens = Math.max(0, this.tokens - 1)
    this.sentAtMs = nowMs
  }

  private fill(nowMs: number): void {
    const earned = Math.max(0, nowMs - this.filledAtMs) / this.msPerToken()
    this.tokens = Math.min(this.rates.urgentPerMinute, this.tokens + earned)
    this.filledAtMs = nowMs
  }

  private msPerToken(): number {
    return 60_000 / this.rates.urgentPerMinute
  }
}
