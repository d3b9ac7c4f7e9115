import { contains, type ByteKey, type KeyRange, type Layer } from '../state/layer.js'

/** Reads that an answer is remembered by; one that has read more is computed anew each time. */
const keysMax = 1000
const rangesMax = 16

/** What was read, so that a later write can be held against it. */
export class ReadLog {
  readonly keys = new Set<ByteKey>()
  readonly ranges: KeyRange[] = []

  get isTooLong(): boolean {
    return this.keys.size > keysMax || this.ranges.length > rangesMax
  }

  key(key: ByteKey): void {
    if (!this.isTooLong) this.keys.add(key)
  }

  range(range: KeyRange): void {
    if (!this.isTooLong) this.ranges.push(range)
  }

  /** Whether one of these keys was read, or would have been had it been there. */
  touches(written: Iterable<ByteKey>): boolean {
    for (const key of written) {
      if (this.keys.has(key) || this.ranges.some(each => contains(each, key))) return true
    }
    return false
  }

  touchedBy(layer: Layer): boolean {
    return layer.entries.size > 0 && this.touches(layer.entries.keys())
  }
}
