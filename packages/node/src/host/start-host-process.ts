import type { Socket } from 'node:net'
import { codeOfPlan, InstarError, type ErrorCode } from '@instar/core'
import { createChannel, fromSocket } from '@instar/rpc'
import type { BuildProgress, FacadeDescription } from '@instar/simulator-runtime/host'
import { dataDescriptor, hostChannelLimits, moduleKey, type FromHost, type ToHost } from './control-messages.js'
import { forkHost } from './fork-host.js'
import { createHostAsides } from './host-asides.js'
import { createConversation, toErrorCode } from './host-conversation.js'
import { createHostCopy } from './host-copy.js'
import { followLines, followOutput } from './host-output.js'
import { howItEnded, type ProcessExit } from './process-exit.js'
import { parseReport, reportDescriptor, type WatchReport } from './watch-report.js'
import type { HostProcess, OpenOptions, HostProcessInit } from './host-process.js'

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
      // The way back by code takes as long as the way there (§8).
      const transforms = plan.steps.filter(step => step.transform !== 'none').length + (plan.reverse?.length ?? 0)
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
