import { dirname, join } from 'node:path'
import { codeOfPlan, InstarError, messageOf, type CodeRef, type HostPlan } from '@instar/core'
import type { Logger } from 'pino'
import type { ScratchFolder } from '../store/scratch-folder.js'
import { confinement } from './confinement.js'
import { moduleKey } from './control-messages.js'
import type { HostRecord } from './host-record.js'
import { startHostProcess } from './start-host-process.js'

export interface RehearsalInit {
  /** What is to be tried, in order and on one state that begins empty: for example the introduction, and then the upgrade itself. */
  readonly plans: readonly HostPlan[]
  readonly modulePath: (ref: CodeRef) => string | Promise<string>
  readonly network: string
  /** For the state that is tried out. */
  readonly scratch: ScratchFolder
  readonly log: Logger
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly signal?: AbortSignal
  readonly record?: HostRecord
}

export type RehearsalResult =
  | { readonly ok: true; readonly elapsedMs: number }
  | { readonly ok: false; readonly error: InstarError; readonly elapsedMs: number }

/**
 * Runs plans in a scratch host (§2): a process of its own for each, which can neither reach the network nor read the peer's data, with a
 * state in a temporary folder. It imports and checks every module, opens the state, with the transform where the plan has one, drains and
 * closes. A module that throws, exits, loops or floods memory fails here and costs nobody a call (P2). Never throws.
 */
export async function rehearse(init: RehearsalInit): Promise<RehearsalResult> {
  const { now } = init
  const startedAt = now()
  let scratch: string | undefined
  try {
    scratch = await init.scratch.make('rehearsal-')
    for (const plan of init.plans) await rehearsePlan(init, plan, scratch)
    return { ok: true, elapsedMs: now() - startedAt }
  } catch (thrown) {
    const error =
      thrown instanceof InstarError
        ? thrown
        : new InstarError('HostFailed', `The rehearsal failed: ${messageOf(thrown)}.`, { cause: thrown })
    return { ok: false, error, elapsedMs: now() - startedAt }
  } finally {
    // What is left is nobody's: the next cleaning takes it.
    if (scratch !== undefined)
      await init.scratch.remove(scratch).catch((thrown: unknown) => init.log.warn(messageOf(thrown)))
  }
}

async function rehearsePlan(init: RehearsalInit, plan: HostPlan, scratch: string): Promise<void> {
  const modules = new Map<string, string>()
  for (const ref of codeOfPlan(plan)) modules.set(moduleKey(ref), await init.modulePath(ref))
  const host = startHostProcess({
    ...init,
    plan,
    modulePath: ref => modules.get(moduleKey(ref)) ?? init.modulePath(ref),
    stateDirectory: join(scratch, 'state'),
    scratch: {
      execArgv: confinement(
        [...modules.values()].map(path => dirname(path)),
        [scratch]
      )
    }
  })
  try {
    await host.load(init.signal)
    await host.open({ signal: init.signal })
    await host.drain()
    await host.close()
  } finally {
    await host.kill()
  }
}
