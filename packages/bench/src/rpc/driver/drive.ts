import { percentile } from '../../measurement/statistics.js'
import type { DriveSample, Load } from '../load.js'

/** Sends bytes to the other end and gives back what it answers. */
export type Echo = (bytes: Uint8Array) => Promise<Uint8Array>

export interface DriveInit {
  readonly echo: Echo
  readonly load: Pick<Load, 'bytes' | 'inFlight'>
  readonly durationMs: number
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/**
 * Keeps a number of calls under way for a time: whenever one is answered the next one goes out (a closed loop), so latency and throughput are two sides
 * of one measurement.
 *
 * @throws Error for the first call that fails or comes back wrong
 */
export async function drive({ echo, load, durationMs, now }: DriveInit): Promise<DriveSample> {
  const payload = new Uint8Array(load.bytes).map((_, i) => i)
  const latencies: number[] = []
  const startedAt = now()
  const until = startedAt + durationMs
  let lastAt = startedAt

  async function callOneAfterTheOther(): Promise<void> {
    do {
      const sentAt = now()
      const answer = await echo(payload)
      lastAt = now()
      if (answer.byteLength !== load.bytes) {
        throw new Error(`${answer.byteLength} bytes came back of ${load.bytes}`)
      }
      latencies.push(lastAt - sentAt)
    } while (lastAt < until)
  }

  await Promise.all(Array.from({ length: load.inFlight }, callOneAfterTheOther))
  const sorted = Float64Array.from(latencies).sort()
  return {
    throughput: (latencies.length / (lastAt - startedAt)) * 1000,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    calls: latencies.length
  }
}
