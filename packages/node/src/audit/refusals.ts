import type { AuditEntry } from './audit-line.js'

/** Lines that refusals may fill at once, and how long it takes until there is room for one more: some 40 MB a year under a flood. */
const burst = 16
const refillMs = 5 * 60_000
/** The same refusal of the same sender is worth a line only once in this time. */
const repeatMs = 3_600_000
const keysMax = 256
const codesMax = 16

/**
 * Which refusals get a line. A flooder sends millions of documents that are wrong; the log names the first ones and counts the others,
 * so that neither the disk nor what else stands in the log drowns.
 */
export class Refusals {
  private readonly shownAtMs = new Map<string, number>()
  private tokens = burst
  private filledAtMs: number
  private uncounted = 0
  private readonly codes = new Map<string, number>()

  constructor(private readonly now: () => number) {
    this.filledAtMs = now()
  }

  /** The lines to be written for this refusal: none, or itself and before it what was counted so far. */
  note(from: string, code: string, detail: string): readonly AuditEntry[] {
    const nowMs = this.now()
    this.refill(nowMs)
    const key = `${from} ${code}`
    const shownAtMs = this.shownAtMs.get(key)
    if (this.tokens < 1 || (shownAtMs !== undefined && Math.abs(nowMs - shownAtMs) < repeatMs)) {
      this.count(code)
      return []
    }
    this.tokens--
    this.shownAtMs.delete(key)
    const oldest = this.shownAtMs.keys().next().value
    if (this.shownAtMs.size >= keysMax && oldest !== undefined) this.shownAtMs.delete(oldest)
    this.shownAtMs.set(key, nowMs)
    return [...this.counted(), { event: 'refused', from, code, detail }]
  }

  /** What was counted and not written yet. */
  counted(): readonly AuditEntry[] {
    if (this.uncounted === 0) return []
    const entry: AuditEntry = { event: 'refusedMore', count: this.uncounted, codes: Object.fromEntries(this.codes) }
    this.uncounted = 0
    this.codes.clear()
    return [entry]
  }

  private count(code: string): void {
    this.uncounted++
    if (this.codes.has(code) || this.codes.size < codesMax) this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
  }

  private refill(nowMs: number): void {
    const passedMs = nowMs - this.filledAtMs
    // A clock that was set back costs at most one refill.
    if (passedMs < 0) this.filledAtMs = nowMs
    const more = Math.floor(Math.max(0, passedMs) / refillMs)
    this.tokens = Math.min(burst, this.tokens + more)
    this.filledAtMs += more * refillMs
  }
}
