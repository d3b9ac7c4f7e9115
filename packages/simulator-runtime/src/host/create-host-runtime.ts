import { CallError, InstarError, invariant, type StateMeta } from '@instar/core'
import { Command } from './call/command.js'
import { Deadlines } from './call/deadlines.js'
import { argumentsOf, describeFacade, target, type Arguments } from './call/dispatch.js'
import { nameOf, type Facade, type FacadeMethod } from './call/facade.js'
import { deadlineExceeded, disallowed, isFault, upgrading } from './call/failures.js'
import { Lane } from './call/lane.js'
import { Moment } from './call/moment.js'
import { Query } from './call/query.js'
import { Sessions, type Turn } from './call/sessions.js'
import { Simulations } from './call/simulations.js'
import { Withdrawal } from './call/withdrawal.js'
import { defaultLimits } from './default-limits.js'
import type { CallRequest, HostRuntime, HostRuntimeInit, HostStats, SimulationFailed } from './host-runtime.js'
import { bringToPlan } from './open/bring-to-plan.js'
import { openDatabase, stateError } from './open/database.js'
import { loadCode, type LoadedCode } from './open/load-code.js'
import { deleteOtherSpaces, spacesOf } from './open/spaces.js'
import type { Database } from './state/merged-entries.js'
import { Store } from './state/store.js'

/** Builds the runtime of one host process for one plan; nothing is read or written before `load` and `open`. */
export function createHostRuntime(init: HostRuntimeInit): HostRuntime {
  const limits = { ...defaultLimits, ...init.limits }
  const monotonicMs = (): number => performance.now()
  const deadlines = new Deadlines(monotonicMs)
  const lane = new Lane()
  const commands = new Set<Command>()
  const queries = new Set<Query>()
  const counts = { commands: 0, queries: 0, disallowed: 0, faults: 0, repeats: 0 }
  const stopping = new AbortController()
  let code: LoadedCode | undefined
  let serving: Serving | undefined
  let cleaning: Promise<unknown> = Promise.resolve()
  let draining = false
  let closed = false

  return {
    load: async () => {
      code = await loadCode(init.plan, init.load)
    },

    open: async signal => {
      invariant(code !== undefined, 'a host loads its code before it opens its state')
      invariant(serving === undefined && !closed, 'a host opens its state once')
      const db = await openDatabase(init.stateDirectory)
      try {
        init.onProgress({ stage: 'opened' })
        const meta = await bring(db, code, signal)
        const store = new Store(db, { sync: init.plan.durability === 'disk', onBroken })
        const simulations = new Simulations({
          code,
          className: init.plan.className,
          meta,
          onTrial: init.plan.keepBefore,
          onFailed
        })
        serving = { db, store, sessions: await Sessions.read(db, limits), simulations }
        cleaning = deleteOtherSpaces(db, spacesOf(meta), { signal: stopping.signal, pause: nextTurn }).catch(
          (error: unknown) =>
            init.log.warn({ err: error }, 'old states could not be deleted; the next start tries again')
        )
        return meta
      } catch (error) {
        await db.close()
        if (signal.aborted)
          throw new InstarError('Stopped', 'The host was stopped while it opened its state.', { cause: error })
        throw stateError(error, init.stateDirectory)
      }
    },

    call: async request => {
      if (serving === undefined || draining || closed) throw upgrading('this host does not take calls now')
      const now = serving
      const { facade, method } = target(now.simulations.chain, request)
      try {
        return await (method.kind === 'query'
          ? query(now, facade, method, request)
          : command(now, facade, method, request))
      } catch (error) {
        count(error, facade, method)
        throw error
      }
    },

    drain: async deadlineMs => {
      draining = true
      let cut = 0
      const deadline = deadlines.add(deadlineMs, () => {
        cut += cutAll()
      })
      await settled()
      deadline.cancel()
      return { cut }
    },

    close: async () => {
      if (closed) return
      closed = true
      stopping.abort()
      cutAll()
      await settled()
      await cleaning
      deadlines.stop()
      await serving?.db.close()
    },

    describe: () => (code === undefined ? [] : [code.object, ...code.past, ...code.future].map(describeFacade)),

    stats: (): HostStats => ({
      ...counts,
      running: queries.size + (lane.busy ? 1 : 0),
      waiting: lane.waiting,
      withdrawn: serving?.simulations.chain.withdrawn.size ?? 0,
      sessions: serving?.sessions.size ?? 0,
      commits: serving?.store.commits ?? 0
    })
  }

  function bring(db: Database, code: LoadedCode, signal: AbortSignal): Promise<StateMeta> {
    return bringToPlan({
      db,
      directory: init.stateDirectory,
      network: init.network,
      plan: init.plan,
      code,
      random: init.random,
      signal,
      onProgress: init.onProgress
    })
  }

  function onBroken(error: unknown): void {
    const explained = stateError(error, init.stateDirectory)
    init.log.warn({ err: explained }, 'the state can no longer be written')
    init.onBroken?.(explained)
  }

  function onFailed(failed: SimulationFailed): void {
    init.log.warn(failed, failed.cause)
    init.onSimulationFailed?.(failed)
  }

  function scopeOf(request: CallRequest, endsAt: number) {
    return {
      caller: request.caller,
      remainingMs: () => Math.max(endsAt - monotonicMs(), 0),
      moment: new Moment(init.now, init.random),
      outgoing: init.outgoing,
      deadlines,
      simulationMsMax: limits.simulationMsMax
    }
  }

  async function query(now: Serving, facade: Facade, method: FacadeMethod, request: CallRequest): Promise<Uint8Array> {
    if (method.disallowed !== undefined) throw disallowed(facade, method.name, method.disallowed)
    if (queries.size >= limits.queriesMax) throw busy(`${limits.queriesMax} queries are under way`)
    const args = argumentsOf(facade, method, request)
    const remainingMs = remainingOf(request)
    counts.queries++
    const running = new Query({
      store: now.store,
      simulations: now.simulations,
      facade,
      method,
      args,
      scope: scopeOf(request, monotonicMs() + remainingMs),
      onFailures: failures => lane.push(new Withdrawal(now.store, now.simulations, failures))
    })
    queries.add(running)
    const abandon = (): void => void running.cut(deadlineExceeded('the caller gave up', 'no'))
    const deadline = deadlines.add(remainingMs, () => {
      running.cut(deadlineExceeded(`${nameOf(facade)} did not answer ${method.name} in time`, 'no'))
    })
    request.signal.addEventListener('abort', abandon)
    if (request.signal.aborted) abandon()
    try {
      return await running.answer
    } finally {
      queries.delete(running)
      deadline.cancel()
      request.signal.removeEventListener('abort', abandon)
    }
  }

  async function command(
    now: Serving,
    facade: Facade,
    method: FacadeMethod,
    request: CallRequest
  ): Promise<Uint8Array> {
    const remainingMs = remainingOf(request)
    if (request.session === undefined) {
      assertRoom(now)
      return run(facade, method, request, remainingMs, undefined, now)
    }
    const { session, seq, doneBelow } = request
    // A full lane is no reason to forget what is known already, so the session is asked first.
    const begun = now.sessions.begin({ session, seq, doneBelow, method: method.name })
    if ('answer' in begun) {
      counts.repeats++
      if (begun.answer instanceof CallError) throw begun.answer
      return begun.answer
    }
    if ('join' in begun) {
      counts.repeats++
      return byDeadline(begun.join, remainingMs, () =>
        deadlineExceeded(`${method.name} did not answer in time`, 'unknown')
      )
    }
    try {
      assertRoom(now)
    } catch (error) {
      begun.turn.drop()
      throw error
    }
    return run(facade, method, request, remainingMs, begun.turn, now)
  }

  function assertRoom(now: Serving): void {
    if (now.store.broken) throw upgrading('the state cannot be written; commands wait for a new host')
    if (lane.waiting >= limits.commandsWaitingMax) throw busy(`${limits.commandsWaitingMax} commands wait already`)
  }

  async function run(
    facade: Facade,
    method: FacadeMethod,
    request: CallRequest,
    remainingMs: number,
    turn: Turn | undefined,
    now: Serving
  ): Promise<Uint8Array> {
    // Without a session nobody will ask again: what needs no turn in the lane is refused at once.
    const args = admit(facade, method, request, turn !== undefined)
    counts.commands++
    const running = new Command({
      store: now.store,
      simulations: now.simulations,
      facade,
      method,
      args,
      turn,
      scope: scopeOf(request, monotonicMs() + remainingMs),
      abandoned: () => request.signal.aborted
    })
    commands.add(running)
    const finished = (): void => void commands.delete(running)
    running.answer.then(finished, finished)
    lane.push(running)
    return byDeadline(running.answer, remainingMs, () =>
      deadlineExceeded(`${nameOf(facade)} did not answer ${method.name} in time`, running.overrun())
    )
  }

  /** The valid arguments, or in a session the refusal as what the command will come to, so that it is kept as its outcome. */
  function admit(facade: Facade, method: FacadeMethod, request: CallRequest, asOutcome: boolean): Arguments {
    try {
      if (method.disallowed !== undefined) throw disallowed(facade, method.name, method.disallowed)
      return argumentsOf(facade, method, request)
    } catch (error) {
      if (!asOutcome) throw error
      return () => {
        throw error
      }
    }
  }

  async function byDeadline(
    answer: Promise<Uint8Array>,
    remainingMs: number,
    late: () => CallError
  ): Promise<Uint8Array> {
    const { promise, reject } = Promise.withResolvers<never>()
    const deadline = deadlines.add(remainingMs, () => reject(late()))
    try {
      return await Promise.race([answer, promise])
    } finally {
      deadline.cancel()
    }
  }

  function remainingOf(request: CallRequest): number {
    if (!(request.remainingMs > 0)) throw deadlineExceeded('the deadline had passed when the call arrived', 'no')
    return Math.min(request.remainingMs, limits.remainingMsMax)
  }

  function count(error: unknown, facade: Facade, method: FacadeMethod): void {
    if (!(error instanceof CallError)) return
    if (error.code === 'Disallowed') counts.disallowed++
    if (!isFault(error)) return
    counts.faults++
    init.log.warn({ class: facade.className, version: facade.revision, method: method.name, err: error }, error.message)
  }

  function cutAll(): number {
    const error = upgrading('the call was cut off: this host stops')
    let cut = 0
    for (const each of [...commands, ...queries]) if (each.cut(error)) cut++
    return cut
  }

  async function settled(): Promise<void> {
    await lane.idle()
    await serving?.store.idle()
    await Promise.allSettled([...queries].map(each => each.answer))
  }
}

interface Serving {
  readonly db: Database
  readonly store: Store
  readonly sessions: Sessions
  readonly simulations: Simulations
}

function busy(message: string): CallError {
  return new CallError('Busy', { message, retryAfterMs: 50 })
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
