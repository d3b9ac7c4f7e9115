/** One way of calling that every subject is measured with. */
export interface Load {
  readonly name: string
  /** Bytes of the argument, which come back as the result. */
  readonly bytes: number
  /** Calls that wait for their answer at any time. */
  readonly inFlight: number
}

export const loads: readonly Load[] = [
  { name: 'null call (100 B), 1 in flight', bytes: 100, inFlight: 1 },
  { name: 'null call (100 B), 64 in flight', bytes: 100, inFlight: 64 },
  { name: '64 KiB, 1 in flight', bytes: 64 * 1024, inFlight: 1 },
  { name: '64 KiB, 64 in flight', bytes: 64 * 1024, inFlight: 64 }
]

/** Metric → unit of what one run gives. `cpu` is the processor time of all processes per call, where the system tells it. */
export const loadUnits = { throughput: 'calls/s', p50: 'ms', p99: 'ms', cpu: 'µs' } as const

/** What the driver sees. */
export interface DriveSample {
  readonly throughput: number
  readonly p50: number
  readonly p99: number
  readonly calls: number
}
