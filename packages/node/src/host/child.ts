import { rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { InstarError, messageOf, type CodeRef } from '@instar/core'
import { createChannel, fromSocket, type CallHandler, type Channel } from '@instar/rpc/channel'
import {
  createHostRuntime,
  damagedState,
  readManifest,
  type BuildProgress,
  type CopyProgress,
  type HostRuntime,
  type OutgoingCall,
  type SimulationFailed,
  type StateProgress
} from '@instar/simulator-runtime/host'
import { createChildRehearsal } from './child-rehearsal.js'
import {
  dataDescriptor,
  hostChannelLimits,
  moduleKey,
  outgoingKinds,
  type FromHost,
  type HostFailure,
  type ToHost
} from './control-messages.js'
import { ownMemory } from './own-memory.js'
import { refuseNetwork } from './refuse-network.js'
import { startWatch } from './watch.js'

/**
 * The host process (§10): forked by the peer, it loads the code of one plan, later opens the state, and answers calls. Everything that
 * takes time to load is imported above or by `load`, so that nothing but the state's opening is left for the pause.
 */
type Load = Extract<ToHost, { type: 'load' }>

let loaded: Load | undefined
let runtime: HostRuntime | undefined
let rehearsal: ReturnType<typeof createChildRehearsal> | undefined
let copying = new AbortController()
let opening: AbortController | undefined
let channel: Channel | undefined
/** The state that this process had open last. */
let released: Promise<void> = Promise.resolve()

const crashExitCode = 70

const [stallMs = 0, memoryMiB = 0, heapMiB = 0] = process.argv.slice(2).map(Number)
const watch = startWatch({ stallMs, memoryMiB, heapMiB })

function send(message: FromHost, then?: () => void): void {
  if (process.connected) process.send?.(message, undefined, {}, () => then?.())
  else then?.()
}

async function load(message: Load): Promise<FromHost> {
  if (message.scratch !== false) refuseNetwork()
  loaded = message
  if (message.scratch === 'copy') {
    rehearsal = createChildRehearsal(
      {
        ...runtimeInit(message),
        ...(message.back === undefined ? {} : { back: message.back }),
        onProgress: reportProgress()
      },
      send
    )
    await rehearsal.load()
    return { type: 'loaded', facades: [] }
  }
  runtime = createRuntime(message)
  await runtime.load()
  if (!message.scratch) await warmUp(message)
  return { type: 'loaded', facades: runtime.describe() }
}

/**
 * Opens an empty state beside the real one, twice, as new and as found, and reads what the real one is made of, so that the pause does not
 * pay for code that runs for the first time: it is two to five times shorter for it. Whether that succeeds says nothing about the real state,
 * so its errors do not count.
 */
async function warmUp(message: Load): Promise<void> {
  const aside = `${message.stateDirectory}.warm-up`
  try {
    await rm(aside, { recursive: true, force: true })
    for (let i = 0; i < 2; i++) {
      const trial = createRuntime({ ...message, stateDirectory: aside }, true)
      await trial.load()
      await trial.open(new AbortController().signal)
      await trial.close()
    }
    await readManifest(message.stateDirectory, damagedState)
  } catch (thrown) {
    process.stderr.write(`the host could not be warmed up: ${messageOf(thrown)}\n`)
  } finally {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined)
  }
}

function runtimeInit({ plan, network, modules, stateDirectory }: Load) {
  return {
    plan,
    network,
    stateDirectory,
    load: async (ref: CodeRef): Promise<unknown> => {
      const path = modules[moduleKey(ref)]
      if (path === undefined) throw new Error(`the peer named no path for ${moduleKey(ref)}`)
      return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default
    },
    random: Math.random
  }
}

function createRuntime(message: Load, silent = false): HostRuntime {
  return createHostRuntime({
    ...runtimeInit(message),
    outgoing,
    now: Date.now,
    log: {
      info: (detail, message) => process.stdout.write(`${message} ${JSON.stringify(detail)}\n`),
      warn: (detail, message) => process.stderr.write(`${message} ${JSON.stringify(detail)}\n`)
    },
    onProgress: silent ? () => undefined : reportProgress(),
    onSimulationFailed: failed => {
      rehearsalFailed = failed
      if (!silent) send({ type: 'simulationFailed', failed })
    },
    onBuilt: revision => {
      if (!silent) send({ type: 'built', revision })
    },
    onBuilding: silent ? () => undefined : reportBuilding(),
    onBroken: error => send({ type: 'broken', code: error.code, message: error.message })
  })
}

const progressEveryMs = 250

/** How far a twin's state is, a few times a second. */
function reportBuilding(): (progress: BuildProgress) => void {
  let lastAt = -Infinity
  return progress => {
    const now = performance.now()
    if (now - lastAt < progressEveryMs) return
    lastAt = now
    send({ type: 'building', progress })
  }
}

/** Each stage at once, and how far a transform is a few times a second. */
function reportProgress(): (progress: StateProgress) => void {
  let lastAt = -Infinity
  let last = ''
  return progress => {
    const now = performance.now()
    const name = progress.stage === 'opened' ? 'opened' : `${progress.stage} ${progress.to}`
    if (name === last && now - lastAt < progressEveryMs) return
    lastAt = now
    last = name
    const detail = progress.stage === 'opened' ? {} : { transform: progress }
    send({ type: 'stage', stage: progress.stage, detail })
  }
}

async function open(): Promise<FromHost> {
  const cancel = new AbortController()
  opening = cancel
  try {
    const opened = await freshRuntime()
    const meta = await opened.open(cancel.signal)
    if (loaded?.scratch === true) await rehearseBuilds(opened)
    serve()
    watch.serving(loaded?.scratch !== true)
    return { type: 'opened', meta, building: opened.stats().building }
  } catch (thrown) {
    runtime = undefined
    throw thrown
  } finally {
    opening = undefined
  }
}

/** Why a simulation object of a rehearsal cannot be served; only rehearsals ask. */
let rehearsalFailed: SimulationFailed | undefined

/** §2: what would fail after the introduction is to fail here. */
async function rehearseBuilds(opened: HostRuntime): Promise<void> {
  await opened.built()
  if (rehearsalFailed === undefined) return
  throw new InstarError(rehearsalFailed.machine ?? 'TransformFailed', `${rehearsalFailed.cause}.`)
}

/** A runtime that was closed, or that failed to open, is not used again; its modules are imported only once. */
async function freshRuntime(): Promise<HostRuntime> {
  if (runtime !== undefined) return runtime
  if (loaded === undefined)
    throw new InstarError('HostFailed', 'The host was told to open its state before its code was loaded.')
  runtime = createRuntime(loaded)
  await runtime.load()
  return runtime
}

const onCall: CallHandler = (header, body, { cancellation: signal }) => {
  const { version, className, method, session, seq, doneBelow, remainingMs, revision = 0, caller = '' } = header
  const { hops = 0, trail = '' } = header
  const request = {
    version,
    className,
    method,
    seq,
    doneBelow,
    remainingMs,
    revision,
    caller,
    hops,
    trail,
    args: body,
    signal
  }
  // Until the state is open nothing is routed here: the peer opens its gate after `opened`.
  if (runtime === undefined) throw new InstarError('HostFailed', 'The host is not open.')
  if (session === undefined) return runtime.call(request)
  const answered = runtime.call({ ...request, session })
  return loaded?.dieAfterCommand === undefined ? answered : dieAfter(loaded.dieAfterCommand, answered)
}

/** Of what is built for the next process. */
let preparing = new AbortController()
let commands = 0

/** R12: committed and not answered is where a repeated call must not run again. */
async function dieAfter(count: number, answered: Promise<Uint8Array>): Promise<Uint8Array> {
  const answer = await answered
  if (++commands === count) process.kill(process.pid, 'SIGKILL')
  return answer
}

function serve(): void {
  channel ??= createChannel({
    transport: fromSocket(new Socket({ fd: dataDescriptor, readable: true, writable: true })),
    name: 'the peer',
    onCall,
    limits: hostChannelLimits
  })
}

/** See {@link outgoingKinds} for what the header says on this socket. */
function outgoing(call: OutgoingCall): Promise<Uint8Array> {
  const { version, className, method, remainingMs, hops, trail, args, signal, peer, request } = call
  if (channel === undefined || loaded?.scratch === true)
    return Promise.reject(new InstarError('HostFailed', 'A rehearsal calls nobody.'))
  const revision = outgoingKinds.indexOf(call.kind)
  const made = { version, className, method, remainingMs, hops, trail, seq: 0, doneBelow: 0 }
  const header = { ...made, ...request, revision, caller: peer }
  return channel.request(header, args, { signal })
}

async function answer(message: ToHost): Promise<FromHost | undefined> {
  switch (message.type) {
    case 'load':
      return load(message)
    case 'open':
      return open()
    case 'cancel':
      opening?.abort()
      preparing.abort(new InstarError('Stopped', 'The switch was cancelled.'))
      return undefined
    case 'takeOver': {
      const taken = await runtime?.takeOver(message.plan)
      const facades = runtime?.describe() ?? []
      return { type: 'tookOver', ...(taken === undefined ? {} : { taken }), facades }
    }
    case 'prepare':
      preparing = new AbortController()
      await runtime?.prepare(message.plan, preparing.signal)
      return { type: 'prepared' }
    case 'settle':
      await runtime?.settle()
      return { type: 'settled' }
    case 'copyState':
      await copyState(message.to)
      return undefined
    case 'cancelCopy':
      copying.abort(new InstarError('Stopped', 'The copy of the state was cancelled.'))
      return undefined
    case 'rehearse':
      await rehearsal?.rehearse(message)
      return undefined
    case 'drain':
      return { type: 'drained', cut: (await runtime?.drain(message.deadlineMs))?.cut ?? 0 }
    case 'close':
      watch.serving(false)
      return close()
    case 'keep':
      return keepStates(message.states)
    case 'stats': {
      const outbox = runtime?.stats().outbox
      return {
        type: 'stats',
        memory: { used: ownMemory(), heapUsed: process.memoryUsage().heapUsed },
        ...(outbox === undefined ? {} : { outbox })
      }
    }
    case 'exit':
      await runtime?.close()
      await released.catch(() => undefined)
      process.exit(0)
  }
}

/** The state may be opened again, here or elsewhere, while this process still lets go of it. */
async function close(): Promise<FromHost> {
  const closing = runtime
  if (closing !== undefined)
    await new Promise<void>((resolve, reject) => {
      released = closing.close(resolve)
      released.then(resolve, reject)
    })
  runtime = undefined
  return { type: 'closed' }
}

async function keepStates(stay: readonly number[] | 'all'): Promise<FromHost> {
  try {
    const states = await runtime?.keepStates(stay)
    return { type: 'kept', ...(states === undefined ? {} : { states }) }
  } catch (thrown) {
    process.stderr.write(`old states could not be let go of: ${messageOf(thrown)}\n`)
    return { type: 'kept' }
  }
}

/** Beside whatever else is asked: its answer is no answer to that. */
async function copyState(to: string): Promise<void> {
  copying = new AbortController()
  let lastAt = -Infinity
  const onProgress = (progress: CopyProgress): void => {
    const now = performance.now()
    if (now - lastAt < progressEveryMs) return
    lastAt = now
    send({ type: 'copying', progress })
  }
  try {
    if (runtime === undefined) throw new InstarError('Stopped', 'The host does not serve: it copies nothing.')
    send({ type: 'copied', copied: await runtime.copyState(to, { signal: copying.signal, onProgress }) })
  } catch (thrown) {
    send({ ...failure(thrown), type: 'copyFailed' })
  }
}

function failure(thrown: unknown): HostFailure {
  if (!(thrown instanceof InstarError))
    return { type: 'failed', code: 'HostFailed', message: messageOf(thrown), detail: {} }
  return { type: 'failed', code: thrown.code, message: thrown.message, detail: thrown.detail }
}

function reportCrash(thrown: unknown): void {
  const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)
  send({ type: 'crashed', message: message.slice(0, 2000) }, () => process.exit(crashExitCode))
  // The peer may not read any more.
  setTimeout(() => process.exit(crashExitCode), 500)
}

// Ctrl-C in a terminal reaches every process of the group: when a host ends is its peer's decision, after the drain.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
process.on('uncaughtException', reportCrash)
process.on('unhandledRejection', reportCrash)
process.once('disconnect', () => process.exit(0))
process.on('message', (message: ToHost) => {
  answer(message).then(
    reply => {
      if (reply !== undefined) send(reply)
    },
    (thrown: unknown) => send(failure(thrown))
  )
})
send({ type: 'ready' })
