import { constants, setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { codeOfPlan, InstarError, messageOf, type CodeRef, type ErrorCode, type HostPlan } from '@instar/core'
import type { CopiedState, RehearsalRun } from '@instar/simulator-runtime/host'
import type { Logger } from 'pino'
import { sizeOfFolder } from '../store/folder-size.js'
import { spareBytes, watchFreeSpace, type FreeSpace } from '../store/free-space.js'
import type { ScratchFolder } from '../store/scratch-folder.js'
import { confinement } from './confinement.js'
import { moduleKey } from './control-messages.js'
import type { CopyOptions } from './host-copy.js'
import type { HostRecord } from './host-record.js'
import type { HostProcess } from './host-process.js'
import { startHostProcess } from './start-host-process.js'
import type { WatchLimits } from './watch-report.js'

export interface StateRehearsalInit {
  /** The host right after the upgrade. */
  readonly plan: HostPlan
  /** The host right after going back from it, where that is code. */
  readonly back?: HostPlan
  readonly modulePath: (ref: CodeRef) => string | Promise<string>
  readonly network: string
  /** Of the real state, which is looked at only to see how large it is. */
  readonly stateDirectory: string
  /** On the same disk. */
  readonly scratch: ScratchFolder
  /** Has the host that serves copy its state. */
  readonly copyState: (to: string, options: CopyOptions) => Promise<CopiedState>
  readonly log: Logger
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly signal: AbortSignal
  readonly onProgress: (progress: StateRehearsalProgress) => void
  readonly watch?: WatchLimits
  readonly record?: HostRecord
  /** Bytes that are left in any case to whoever else writes on the disk: the host that serves is one of them. */
  readonly leaveFreeBytes?: number
  readonly freeSpace?: FreeSpace
}

/** `copying` counts bytes; a run, entries that its transform has read. */
export interface StateRehearsalProgress {
  readonly stage: 'copying' | `rehearsing ${number} of ${number}`
  readonly done?: number
  readonly total?: number
}

export type StateRehearsalResult =
  | { readonly ok: true; readonly report: StateRehearsalReport }
  /** `transient`: it could not take place, which says nothing about the upgrade. */
  | { readonly ok: false; readonly error: InstarError; readonly transient: boolean }

/** What a rehearsal has shown. Milliseconds; bytes of keys, values and files but for `diskBytes`, which is of the disk. */
export interface StateRehearsalReport {
  readonly stateVersion: number
  readonly entries: number
  readonly files: number
  readonly bytesBefore: number
  readonly entriesAfter: number
  readonly bytesAfter: number
  /** What the upgrade needs beside the state that it finds. */
  readonly diskBytes: number
  readonly copyMs: number
  /** The longest of the runs. */
  readonly transformMs: number
  readonly pauseMs: number
  readonly elapsedMs: number
  /** Whole runs, one after each interruption but the first. */
  readonly runs: number
  /** States of which nobody has said how an entry is read: they were counted, and not decoded. */
  readonly unread: readonly string[]
  /** Of the way back by code, gone right behind the upgrade: `differs` entries or files are not what they were. */
  readonly back?: { readonly pauseMs: number; readonly entries: number; readonly differs: number }
}

/** Where the runs are interrupted (R13); a last one follows. */
const interruptions = [1 / 3, 2 / 3]

/**
 * Tries an upgrade on a copy of the real state (R13): once whole, and twice after a run that was killed in the middle of the transform. All
 * three have to build the same, which the author's check accepts and whose entries can be read. The real state is only read, by the process
 * that serves, beside calls; everything else happens in confined processes of low priority, and is gone afterwards. Never throws.
 */
export async function rehearseState(init: StateRehearsalInit): Promise<StateRehearsalResult> {
  let scratch: string | undefined
  try {
    scratch = await init.scratch.make('copy-')
    return { ok: true, report: await rehearseIn(init, scratch) }
  } catch (thrown) {
    return failureOf(thrown, init.signal)
  } finally {
    if (scratch !== undefined)
      await init.scratch
        .remove(scratch)
        .catch((thrown: unknown) =>
          init.log.warn({ err: thrown }, 'what a rehearsal has left could not be removed; the next cleaning does it')
        )
  }
}

async function rehearseIn(init: StateRehearsalInit, scratch: string): Promise<StateRehearsalReport> {
  const { now, freeSpace } = init
  const begun = now()
  const isShort = new AbortController()
  const signal = AbortSignal.any([init.signal, isShort.signal])
  const space = watchFreeSpace({
    folder: scratch,
    leaveFreeBytes: init.leaveFreeBytes ?? (await spareBytes(scratch)),
    ...(freeSpace === undefined ? {} : { freeSpace }),
    onShort: error => isShort.abort(error)
  })
  try {
    await space.assertRoomFor(await sizeOfFolder(init.stateDirectory), 'a rehearsal on a copy of the state')
    const copied = await copy(init, join(scratch, 'state'), signal)
    const copyMs = now() - begun
    const runs = await runAll({ ...init, signal }, scratch, copied)
    return { ...toReport(copied, runs), copyMs, elapsedMs: now() - begun }
  } catch (thrown) {
    // Whatever ended first, this is why.
    isShort.signal.throwIfAborted()
    throw thrown
  } finally {
    space.stop()
  }
}

async function copy(init: StateRehearsalInit, to: string, signal: AbortSignal): Promise<CopiedState> {
  try {
    init.onProgress({ stage: 'copying' })
    return await init.copyState(to, {
      signal,
      onProgress: ({ bytes }) => init.onProgress({ stage: 'copying', done: bytes })
    })
  } catch (thrown) {
    throw new NotTried(thrown)
  }
}

interface Runs {
  readonly whole: readonly RehearsalRun[]
  readonly diskBytes: number
}

async function runAll(init: StateRehearsalInit, scratch: string, copied: CopiedState): Promise<Runs> {
  const whole: RehearsalRun[] = []
  // On nothing it was tried when its code came (§2a), and nothing can be interrupted.
  const isNothing = copied.entries + copied.files === 0 || init.plan.steps.every(each => each.transform === 'none')
  const deaths = isNothing ? [] : interruptions
  const count = deaths.length + 1
  const before = await sizeOfFolder(scratch)
  let diskBytes = 0
  const started = new Set<HostProcess>()
  /** A process that loads while the one before it works. */
  const start = async (): Promise<{ readonly host: HostProcess; readonly loaded: Promise<void> }> => {
    const host = await startConfined(init, scratch)
    started.add(host)
    const loaded = host.load(init.signal)
    loaded.catch(() => undefined)
    return { host, loaded }
  }
  try {
    let next = start()
    next.catch(() => undefined)
    for (const [i, dieAt] of [...deaths, undefined].entries()) {
      const { host, loaded } = await next
      await loaded
      if (dieAt !== undefined) {
        next = start()
        next.catch(() => undefined)
      }
      const stage = `rehearsing ${i + 1} of ${count}` as const
      init.onProgress({ stage, total: copied.entries })
      const run = await runOnce(init, host, {
        first: whole[0]?.spaces,
        thenDieAt: dieAt,
        signal: init.signal,
        onStage: (_, { transform }) =>
          init.onProgress({
            stage,
            ...(transform?.done === undefined ? {} : { done: transform.done }),
            total: copied.entries
          })
      })
      whole.push(run)
      assertSame(init.plan, run)
      if (i === 0) diskBytes = Math.max(0, (await sizeOfFolder(scratch)) - before)
      if (dieAt !== undefined) await dies(host, run, dieAt, init)
    }
    return { whole, diskBytes }
  } finally {
    await Promise.all([...started].map(host => host.kill()))
  }
}

async function runOnce(
  init: StateRehearsalInit,
  host: HostProcess,
  options: Parameters<HostProcess['rehearse']>[0]
): Promise<RehearsalRun> {
  try {
    return await host.rehearse(options)
  } catch (thrown) {
    init.signal.throwIfAborted()
    // Ended from outside, and not by its own watch: for want of memory, or by hand.
    const exit = host.alive ? undefined : await host.exited
    if (exit?.signal === 'SIGKILL' && exit.watch === undefined) throw new NotTried(thrown)
    throw thrown
  }
}

/** The process kills itself; one whose transform touches nothing that could be counted is killed after that share of the time. */
async function dies(
  host: HostProcess,
  run: RehearsalRun,
  share: number,
  { signal }: StateRehearsalInit
): Promise<void> {
  const patienceMs = run.operations === 0 ? run.tookMs * share : run.tookMs * 10 + 10_000
  const timer = setTimeout(() => void host.kill(), patienceMs)
  const giveUp = (): void => void host.kill()
  signal.addEventListener('abort', giveUp, { once: true })
  if (signal.aborted) giveUp()
  await host.exited
  clearTimeout(timer)
  signal.removeEventListener('abort', giveUp)
  signal.throwIfAborted()
}

async function startConfined(init: StateRehearsalInit, scratch: string): Promise<HostProcess> {
  const modules = new Map<string, string>()
  const { plan, back } = init
  const refs = [plan, ...(back === undefined ? [] : [back])].flatMap(codeOfPlan)
  for (const ref of refs) modules.set(moduleKey(ref), await init.modulePath(ref))
  const host = startHostProcess({
    plan,
    network: init.network,
    log: init.log,
    now: init.now,
    modulePath: ref => modules.get(moduleKey(ref)) ?? init.modulePath(ref),
    stateDirectory: join(scratch, 'state'),
    ...(init.watch === undefined ? {} : { watch: init.watch }),
    ...(init.record === undefined ? {} : { record: init.record }),
    scratch: {
      isCopy: true,
      ...(back === undefined ? {} : { back }),
      execArgv: confinement(
        [...modules.values()].map(path => dirname(path)),
        [scratch]
      )
    }
  })
  try {
    // Callers come first: what is tried for later takes the time that is left.
    setPriority(host.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch (thrown) {
    init.log.debug({ err: thrown }, 'a scratch process keeps its priority')
  }
  return host
}

/** R13: a transform that builds another state each time cannot be begun again. @throws InstarError TransformFailed */
function assertSame({ className, object }: HostPlan, { differences }: RehearsalRun): void {
  if (differences === undefined || differences.count === 0) return
  const more = differences.count - differences.named.length
  const named = `${differences.named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
  throw new InstarError(
    'TransformFailed',
    `The transform to version ${object.version} of ${className} builds another state when it is interrupted and begun again (R13): ${named}.`,
    { detail: { differences: differences.count } }
  )
}

function toReport(copied: CopiedState, { whole, diskBytes }: Runs): Omit<StateRehearsalReport, 'copyMs' | 'elapsedMs'> {
  const [first] = whole
  return {
    stateVersion: copied.meta.current,
    entries: copied.entries,
    files: copied.files,
    bytesBefore: copied.bytes,
    entriesAfter: first?.entries ?? 0,
    bytesAfter: first?.bytes ?? 0,
    diskBytes,
    // The first run pays for code that runs for the first time; a busy machine may make any of them longer.
    transformMs: Math.max(...whole.map(each => each.transformMs)),
    pauseMs: Math.max(...whole.map(each => each.pauseMs)),
    runs: whole.length,
    unread: first?.unread ?? [],
    ...(first?.back === undefined ? {} : { back: toBack(first.back) })
  }
}

function toBack({
  tookMs,
  entries,
  differences
}: NonNullable<RehearsalRun['back']>): NonNullable<StateRehearsalReport['back']> {
  return { pauseMs: tookMs, entries, differs: differences.count }
}

/** It did not come to what was to be tried. */
class NotTried extends Error {
  constructor(override readonly cause: unknown) {
    super(messageOf(cause))
  }
}

function failureOf(thrown: unknown, signal: AbortSignal): StateRehearsalResult {
  const cause = thrown instanceof NotTried ? thrown.cause : thrown
  const what = `The rehearsal failed: ${messageOf(cause)}.`
  const error =
    cause instanceof InstarError ? cause : new InstarError(signal.aborted ? 'Stopped' : 'HostFailed', what, { cause })
  const isVerdict = thrown instanceof InstarError && !signal.aborted && verdicts.has(thrown.code)
  return { ok: false, error, transient: !isVerdict }
}

/** What says something about the upgrade. Whatever else goes wrong may go right the next time. */
const verdicts: ReadonlySet<ErrorCode> = new Set([
  'TransformFailed',
  'TransformTimeout',
  'BundleLoadFailed',
  'HostFailed'
])
