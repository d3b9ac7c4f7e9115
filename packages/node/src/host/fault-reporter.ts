import type { CallError, CallErrorCode } from '@instar/core'
import type { FacadeDescription, SimulationFailed } from '@instar/simulator-runtime/host'
import type { Fault } from './fault-record.js'
import type { HostEnding } from './host-ending.js'
import type { HostCallHeader } from './host-port.js'
import type { HostProcess } from './host-process.js'

/** Turns what goes wrong in hosts into faults that name class, version and method. */
export interface FaultReporter {
  /** What counts against the class that answered (§15), and what never answered. */
  callFailed(header: HostCallHeader, error: CallError, elapsedMs: number, facades: readonly FacadeDescription[]): void
  /** Told again by each host that starts on the same state; it is one fault. */
  withdrawn(host: HostProcess, failed: SimulationFailed): void
  hostEnded(ending: HostEnding): void
}

/** A caller's clock began earlier than ours, by the way of the call: one that gives up so late has waited for its deadline. */
const lateShare = 0.75
const toldMax = 100
const faultCodes: ReadonlySet<CallErrorCode> = new Set(['OutOfContract', 'OutgoingCallInCommand', 'TooManyHops'])
const faultKinds = { stalled: 'HostStalled', memory: 'OutOfMemory', crashed: 'HostCrashed' } as const

export function createFaultReporter(report: (fault: Omit<Fault, 'count' | 'lastWallMs'>) => void): FaultReporter {
  const told = new Set<string>()

  return {
    callFailed({ className, revision, method, remainingMs }, error, elapsedMs, facades) {
      const isLate = error.code === 'DeadlineExceeded' && elapsedMs >= remainingMs * lateShare
      if (!isLate && !faultCodes.has(error.code)) return
      const role = facades.find(each => each.revision === revision)?.role
      const cause = isLate ? `it did not answer within ${Math.round(remainingMs)} ms` : error.detail.message
      report({ className, revision, role, method, kind: error.code, cause })
    },

    withdrawn(host, { revision, role, cause }) {
      const key = `${revision} ${cause}`
      if (told.has(key)) return
      if (told.size >= toldMax) told.clear()
      told.add(key)
      const className = host.facades.find(each => each.revision === revision)?.className ?? host.plan.className
      report({ className, revision, role, method: '', kind: 'Withdrawn', cause })
    },

    hostEnded({ blame, kind, cause }) {
      if (kind === undefined || blame === undefined) return
      const { className, revision, role, method } = blame
      report({ className, revision, role, method, kind: faultKinds[kind], cause })
    }
  }
}
