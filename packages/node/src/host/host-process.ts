import type { Socket } from 'node:net'
import {
  codeOfPlan,
  InstarError,
  type CodeRef,
  type ErrorCode,
  type HostPlan,
  type OldState,
  type StateMeta,
  type StateSpaces,
  type SwitchStage
} from '@instar/core'
import { createChannel, fromSocket, type CallHandler, type Channel } from '@instar/rpc'
import type {
  BuildProgress,
  FacadeDescription,
  OutboxStats,
  SimulationFailed,
  TakenOver,
  CopiedState,
  RehearsalRun
} from '@instar/simulator-runtime/host'
import type { Logger } from 'pino'
import {
  dataDescriptor,
  hostChannelLimits,
  moduleKey,
  type FromHost,
  type HostMemory,
  type ToHost
} from './control-messages.js'
import { forkHost } from './fork-host.js'
import type { HostRecord } from './host-record.js'
import { createHostAsides } from './host-asides.js'
import { createConversation, toErrorCode } from './host-conversation.js'
import { createHostCopy, type CopyOptions } from './host-copy.js'
import { followLines, followOutput } from './host-output.js'
import { howItEnded, type ProcessExit } from './process-exit.js'
import type { StageDetail } from './switch-result.js'
import { parseReport, reportDescriptor, type WatchLimits, type WatchReport } from './watch-report.js'

/** One forked host and what may be asked of it. Requests are made one at a time; each fails when the process ends. */
export interface HostProcess {
  /** What it serves, or is to serve. */
  readonly plan: HostPlan
  readonly pid: number
  readonly channel: Channel
  /** @throws InstarError BundleLoadFailed, HostFailed, HostStartTimeout */
  load(signal?: AbortSignal): Promise<void>
  /** Resolves when it answers calls. @throws InstarError TransformFailed, TransformTimeout, StateDamaged, HostFailed, DiskFull, Stopped */
  open(options: OpenOptions): Promise<StateMeta>
  /**
   * Serves another plan from now on, where no other process is needed for it; `undefined` where one is.
   *
   * @throws InstarError HostFailed
   */
  takeOver(plan: HostPlan): Promise<TakenOver | undefined>
  /**
   * Builds beside calls what the process of another plan will need; see `HostRuntime.prepare`.
   *
   * @throws InstarError TransformFailed, HostFailed, Stopped
   */
  prepare(plan: HostPlan, signal: AbortSignal): Promise<void>
  /** What was prepared is not needed. */
  giveUp(): void
  /** Makes the next opening of the state short; see `HostRuntime.settle`. Not worth waiting for: resolves in any case, and soon. */
  settle(): Promise<void>
  /**
   * Copies its state beside calls; see `HostRuntime.copyState`. Does not get in the way of any other request. One at a time.
   *
   * @throws InstarError Stopped, DiskFull, StateDamaged, HostFailed
   */
  copyState(to: string, options: CopyOptions): Promise<CopiedState>
  /**
   * Of a rehearsal on a copy: one whole run of the plan's steps; see `TransformRehearsal.run`. With `thenDieAt` it begins another and kills
   * itself at this share of the way, or is to be killed, where nothing tells how far it is.
   *
   * @throws InstarError TransformFailed, TransformTimeout, DiskFull, StateDamaged, Stopped
   */
  rehearse(run: RehearsalOptions): Promise<RehearsalRun>
  /** @throws InstarError DrainTimeout when it does not even answer */
  drain(): Promise<{ readonly cut: number }>
  /** @throws InstarError HostFailed */
  close(): Promise<void>
  stats(): Promise<HostMeasures | undefined>
  /** See `HostRuntime.keepStates`; undefined too where it does not answer. */
  keepStates(stay: readonly number[] | 'all'): Promise<readonly OldState[] | undefined>
  /** Asks it to end; kills it when it has not ended soon. Resolves when it is gone. */
  end(): Promise<void>
  /** SIGKILL; resolves when it is gone, and its state can be opened by another. */
  kill(): Promise<void>
  readonly exited: Promise<ProcessExit>
  readonly alive: boolean
  /** What the plan serves; known once it is loaded. */
  readonly facades: readonly FacadeDescription[]
  /** Revisions of twins whose state is not complete yet, or whose state is being prepared, and how far each is. */
  readonly building: ReadonlyMap<number, BuildProgress>
}

/** What a host says of itself. */
interface HostMeasures {
  readonly memory: HostMemory
  /** Absent while its state is not open. */
  readonly outbox?: OutboxStats
}

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined
  readonly onStage?: (stage: SwitchStage, detail: StageDetail) => void
}

interface RehearsalOptions extends OpenOptions {
  /** What the first run has built, to compare with. */
  readonly first?: StateSpaces | undefined
  readonly thenDieAt?: number | undefined
}

export interface HostProcessInit {
  readonly plan: HostPlan
  readonly network: string
  readonly stateDirectory: string
  readonly modulePath: (ref: CodeRef) => string | Promise<string>
  /** Answers calls that the object makes to other peers. */
  readonly onCall?: CallHandler
  readonly onBroken?: (error: InstarError) => void
  readonly onSimulationFailed?: (failed: SimulationFailed) => void
  readonly onBuilt?: (revision: number) => void
  readonly openMs?: number
  readonly log: Logger
  readonly now: () => number
  readonly watch?: WatchLimits
  /** Arguments of Node that confine a host that serves; see `confinement`. */
  readonly confined?: readonly string[]
  /** Keeps what becomes of the process, for the case that the peer is killed. */
  readonly record?: HostRecord
  /** A rehearsal: confined, without network. */
  readonly scratch?: { readonly execArgv: readonly string[]; readonly isCopy?: boolean; readonly back?: HostPlan }
  /** See `parseFaults`. */
  readonly dieAfterCommand?: number | undefined
}

/** How long a process may take to open a state that needs no transform (recovery of LevelDB's log, and a lock that is not free yet). */
const openMsDefault = 30_000
/** The longest time that a timer can have. */
const prepareMsMax = 2 ** 31 - 1
/** What a process that was told to end or to close gets before it is killed. */
const closeMs = 5_000
/** A host that has not settled by then is switched all the same: its successor's opening takes longer. */
const settleMs = 2_000
/** How long the rest of a dead process's output is waited for. */
const lastWordsMs = 100
/** The host counts the drain deadline itself; the peer waits this much longer for its answer. */
const answerMs = 1_000
/** For one durable write between calls, and a look at how large what is kept is. */
const keepMs = 30_000

/**
 * Starts a process; nothing of the plan's code runs before `load`.
 *
 * @throws InstarError ProcessNotStarted
 */
export function startHostProcess(init: HostProcessInit): HostProcess {
  const { log, now, openMs = openMsDefault } = init
  let { plan } = init
  const startedAt = now()
  const name = `${plan.className} ${plan.object.version}`
  const child = forkHost({
    name,
    heapMiB: plan.limits.heapMiB,
    watch: init.watch,
    execArgv: init.scratch?.execArgv ?? init.confined ?? []
  })
  const pid = child.pid ?? 0
  if (pid !== 0) init.record?.started(pid)
  const output = followOutput(child, log, now)
  let watched: WatchReport | undefined
  // The types know of five descriptors only.
  const pipes = child.stdio as readonly unknown[]
  followLines(pipes[reportDescriptor] as Socket, line => {
    watched = parseReport(line) ?? watched
  })
  const socket = pipes[dataDescriptor] as Socket
  const channel = createChannel({
    transport: fromSocket(socket),
    name: `host ${plan.plan}`,
    limits: hostChannelLimits,
    ...(init.onCall === undefined ? {} : { onCall: init.onCall })
  })

  let alive = true
  let reported: string | undefined
  let facades: readonly FacadeDescription[] = []
  const building = new Map<number, BuildProgress>()

  const exited = new Promise<ProcessExit>(resolve => {
    const ended = (code: number | null, signal: NodeJS.Signals | null, because?: string): void => {
      if (!alive) return
      alive = false
      if (pid !== 0) init.record?.ended(pid)
      channel.abort('the host process ended')
      resolve({
        code,
        signal,
        lastStderr: output.lastStderr(),
        uptimeMs: now() - startedAt,
        ...(watched === undefined ? {} : { watch: watched }),
        ...(reported === undefined && because === undefined ? {} : { reported: reported ?? (because as string) })
      })
      conversation.answer(undefined)
      copy.ended()
      asides.ended()
    }
    // `close` follows when its output was read to the end; a process that it started itself may keep that open for ever.
    child.once('close', (code, signal) => ended(code, signal))
    child.once('exit', (code, signal) => setTimeout(ended, lastWordsMs, code, signal))
    child.once('error', error => {
      log.warn({ err: error }, 'the host process failed')
      if (child.pid === undefined) ended(null, null, error.message)
    })
  })

  // A host without its data socket answers nobody: it is on its way out, or it sent what is no frame.
  void channel.closed.then(() => {
    setTimeout(() => {
      if (alive) child.kill('SIGKILL')
    }, closeMs).unref()
  })

  child.on('message', (message: FromHost) => {
    if (message.type === 'crashed') reported = message.message
    else if (message.type === 'stage') onStage?.(message.stage, message.detail)
    else if (message.type === 'broken') init.onBroken?.(new InstarError(toErrorCode(message.code), message.message))
    else if (message.type === 'simulationFailed') init.onSimulationFailed?.(message.failed)
    else if (message.type === 'building') building.set(message.progress.revision, message.progress)
    else if (message.type === 'built') {
      building.delete(message.revision)
      init.onBuilt?.(message.revision)
    }
    // `ready` answers nobody: the request that follows it waits in the process's inbox anyway.
    else if (message.type !== 'ready' && !copy.hear(message) && !asides.hear(message)) {
      // At once: a `built` may be right behind it, before whoever asked goes on, and would be forgotten.
      if (message.type === 'opened') beginBuilding(message.building)
      conversation.answer(message)
    }
  })
  function beginBuilding(revisions: readonly number[]): void {
    building.clear()
    for (const revision of revisions) building.set(revision, { revision, entries: 0, bytes: 0, dirty: 0 })
  }
  let onStage: OpenOptions['onStage']
  /** The revision whose state is built beside calls. */
  let prepared: number | undefined

  function send(message: ToHost): void {
    // A channel that is closing refuses the message by its callback: the end of the process is then reported anyway.
    if (child.connected) child.send(message, () => undefined)
  }

  const conversation = createConversation({
    name,
    send,
    isAlive: () => alive,
    howItEnded: async () => howItEnded(await exited)
  })

  const copy = createHostCopy({ name, send, isAlive: () => alive })
  const asides = createHostAsides({ send, isAlive: () => alive })

  const failed = (code: ErrorCode, sentence: string) => (): InstarError => new InstarError(code, sentence)
  const endedWhile = (code: ErrorCode, what: string) => (how: string) =>
    new InstarError(code, `The host of ${name} ended while ${what}: ${how}.`, { detail: { how } })

  async function kill(): Promise<void> {
    if (alive) child.kill('SIGKILL')
    await exited
  }

  return {
    get plan() {
      return plan
    },
    building,
    pid,
    channel,
    exited,
    get alive() {
      return alive
    },
    get facades() {
      return facades
    },
    kill,
    async load(signal) {
      const { loadMs } = plan.limits
      const back = init.scratch?.back
      const refs = [...codeOfPlan(plan), ...(back === undefined ? [] : codeOfPlan(back))]
      const modules: Record<string, string> = {}
      for (const ref of refs) modules[moduleKey(ref)] ??= await init.modulePath(ref)
      const late = failed('HostStartTimeout', `The host of ${name} did not load its code within ${loadMs} ms.`)
      const loaded = await conversation.ask<Extract<FromHost, { type: 'loaded' }>>({
        message: {
          type: 'load',
          plan,
          network: init.network,
          stateDirectory: init.stateDirectory,
          modules,
          scratch: init.scratch?.isCopy === true ? 'copy' : init.scratch !== undefined,
          ...(back === undefined ? {} : { back }),
          ...(init.dieAfterCommand === undefined ? {} : { dieAfterCommand: init.dieAfterCommand })
        },
        answer: 'loaded',
        timeoutMs: loadMs,
        onTimeout: late,
        onExit: endedWhile('BundleLoadFailed', 'its code was loaded'),
        signal
      })
      facades = loaded.facades
    },
    async open(options) {
      onStage = options.onStage
      const transforms = plan.steps.filter(step => step.transform !== 'none').length
      const transforming = transforms > 0
      const timeoutMs = openMs + transforms * plan.limits.transformMs
      const opened = await conversation.ask<Extract<FromHost, { type: 'opened' }>>({
        message: { type: 'open' },
        answer: 'opened',
        timeoutMs,
        onTimeout: transforming
          ? failed('TransformTimeout', `The transform of ${name} did not end within ${plan.limits.transformMs} ms.`)
          : failed('HostStartTimeout', `The host of ${name} did not open its state within ${openMs} ms.`),
        onExit: endedWhile(transforming ? 'TransformFailed' : 'HostFailed', 'it opened its state'),
        signal: options.signal,
        cancel: { type: 'cancel' }
      })
      return opened.meta
    },
    async takeOver(next) {
      const answer = await conversation.ask<Extract<FromHost, { type: 'tookOver' }>>({
        message: { type: 'takeOver', plan: next },
        answer: 'tookOver',
        timeoutMs: openMs,
        onTimeout: failed('HostFailed', `The host of ${name} did not take its new plan over within ${openMs} ms.`),
        onExit: endedWhile('HostFailed', 'it took a new plan over')
      })
      if (answer.taken === undefined) return undefined
      plan = next
      facades = answer.facades
      return answer.taken
    },
    async prepare(next, signal) {
      prepared = next.steps.find(each => each.transform === 'entries')?.toRevision
      await conversation.ask({
        message: { type: 'prepare', plan: next },
        answer: 'prepared',
        // It takes what it takes, beside calls; each function of the author's is bounded (§8).
        timeoutMs: prepareMsMax,
        onTimeout: failed('TransformTimeout', `The host of ${name} did not build the new state.`),
        onExit: endedWhile('HostFailed', 'it built the new state'),
        signal,
        cancel: { type: 'cancel' }
      })
    },
    giveUp() {
      send({ type: 'cancel' })
      if (prepared !== undefined) building.delete(prepared)
    },
    async settle() {
      await asides.ask({ type: 'settle' }, 'settled', settleMs)
    },
    copyState: (to, copyOptions) => copy.copy(to, copyOptions),
    async rehearse({ first, thenDieAt, ...options }) {
      onStage = options.onStage
      // Each transform ends itself in its time; the author's checks, and the look at every entry, get as much again.
      const timeoutMs = Math.min(prepareMsMax, openMs + (2 * plan.steps.length + 1) * plan.limits.transformMs)
      const { run } = await conversation.ask<Extract<FromHost, { type: 'rehearsed' }>>({
        message: {
          type: 'rehearse',
          ...(first === undefined ? {} : { first }),
          ...(thenDieAt === undefined ? {} : { thenDieAt })
        },
        answer: 'rehearsed',
        timeoutMs,
        onTimeout: failed('TransformTimeout', `The rehearsal of ${name} did not end within ${timeoutMs} ms.`),
        onExit: endedWhile('TransformFailed', 'its transform was tried'),
        signal: options.signal
      })
      return run
    },
    async drain() {
      const { drainMs } = plan.limits
      return conversation.ask<Extract<FromHost, { type: 'drained' }>>({
        message: { type: 'drain', deadlineMs: drainMs },
        answer: 'drained',
        timeoutMs: drainMs + answerMs,
        onTimeout: failed('DrainTimeout', `The host of ${name} did not end its calls within ${drainMs} ms.`),
        onExit: endedWhile('HostFailed', 'it was drained')
      })
    },
    async close() {
      await conversation.ask({
        message: { type: 'close' },
        answer: 'closed',
        timeoutMs: closeMs,
        onTimeout: failed('HostFailed', `The host of ${name} did not close its state within ${closeMs} ms.`),
        onExit: endedWhile('HostFailed', 'it closed its state')
      })
    },
    async keepStates(stay) {
      return (await asides.ask({ type: 'keep', states: stay }, 'kept', keepMs))?.states
    },
    async stats() {
      const said = await asides.ask({ type: 'stats' }, 'stats', answerMs)
      return said && { memory: said.memory, ...(said.outbox === undefined ? {} : { outbox: said.outbox }) }
    },
    async end() {
      if (!alive) return
      send({ type: 'exit' })
      const timer = setTimeout(() => child.kill('SIGKILL'), closeMs)
      await exited
      clearTimeout(timer)
    }
  }
}
