import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClassDefinition, UpgradeDefinition } from '@instar/simulator-runtime'
import { encodeValue } from '@instar/simulator-runtime/codec'
import { createTestObject } from '@instar/simulator-runtime/testing'
import { bench } from '../fixtures/contract.js'

/** One object with its simulation objects in this process: what a host process does with a call, without the way there. */
export interface BenchObject {
  /** Microseconds of this process's time per call. Commands are numbered as those of a client are. */
  measure(calls: Calls): Promise<HostSample>
  stop(): Promise<void>
}

export interface Calls {
  readonly method: 'echo' | 'write'
  readonly version: number
  readonly count: number
}

export type HostSample = Record<keyof typeof hostUnits, number>

/** Metric → unit. `cpu` counts all threads, those that write to the disk, too. */
export const hostUnits = { time: 'µs', cpu: 'µs' } as const

const inFlight = 64
const session = 'be'.repeat(16)
const never = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined }

/** Makes an object of the first version, and introduces all the others. */
export async function startBenchObject(
  versions: readonly [ClassDefinition, ...UpgradeDefinition[]]
): Promise<BenchObject> {
  const directory = await mkdtemp(join(tmpdir(), 'instar-bench-'))
  const object = await createTestObject({ versions, directory })
  for (let version = 2; version <= versions.length; version++) await object.introduce(version)
  const args = encodeValue([new Uint8Array(100)])
  let seq = 0
  let answered = 0

  async function callOne({ method, version }: Calls): Promise<void> {
    const request = {
      revision: version,
      version,
      className: bench.name,
      method,
      args,
      remainingMs: 10_000,
      caller: 'bench',
      signal: never
    }
    if (method === 'echo') await object.host.call({ ...request, seq: 0, doneBelow: 0 })
    else await object.host.call({ ...request, session, seq: ++seq, doneBelow: answered + 1 })
    if (method === 'write') answered = Math.max(answered, seq - inFlight)
  }

  return {
    async measure(calls) {
      let left = calls.count
      const callOneAfterTheOther = async (): Promise<void> => {
        while (left-- > 0) await callOne(calls)
      }
      const usedBefore = process.cpuUsage()
      const startedAt = performance.now()
      await Promise.all(Array.from({ length: inFlight }, callOneAfterTheOther))
      const time = performance.now() - startedAt
      const { user, system } = process.cpuUsage(usedBefore)
      return { time: (time * 1000) / calls.count, cpu: (user + system) / calls.count }
    },
    async stop() {
      await object.close()
      await rm(directory, { recursive: true, force: true })
    }
  }
}
