import { randomUUID } from 'node:crypto'
import {
  CallError,
  codeOfPlan,
  InstarError,
  invariant,
  messageOf,
  type CodeRef,
  type HostPlan,
  type StateMeta
} from '@instar/core'
import { contractMethod, encodeValue } from '../codec/codec.js'
import { Commands } from './call/commands.js'
import { Deadlines } from './call/deadlines.js'
import { describeFacade, servedContract, target } from './call/dispatch.js'
import type { Facade, FacadeMethod } from './call/facade.js'
import { isFault, upgrading } from './call/failures.js'
import { Flows } from './call/flows.js'
import { Lane } from './call/lane.js'
import { Queries } from './call/queries.js'
import { Requests, type Serving } from './call/requests.js'
import { Sessions } from './call/sessions.js'
import { Simulations, type Served } from './call/simulations.js'
import { defaultLimits } from './default-limits.js'
import type { BuildProgress, HostRuntime, HostRuntimeInit, HostStats, SimulationFailed } from './host-runtime.js'
import { bringToPlan } from './open/bring-to-plan.js'
import { openDatabase, stateError, unbuildable, unwritable, writeTables } from './open/database.js'
import { loadCode, loadStep, type LoadedCode } from './open/load-code.js'
import { LeftOvers } from './open/left-overs.js'
import { machineFaultIn } from './open/machine-fault.js'
import { putMeta } from './open/meta.js'
import { oldStates } from './open/size-of-state.js'
import { Preparation } from './build/preparation.js'
import { copyState } from './rehearse/copy-state.js'
import { Layer } from './state/layer.js'
import type { Database } from './state/merged-entries.js'
import { Outbox } from './outbox/outbox.js'
import { Store } from './state/store.js'
import { takenOver } from './twin/take-over.js'
import { TwinBuilds } from './twin/twin-builds.js'

/** Builds the runtime of one host process for one plan; nothing is read or written before `load` and `open`. */
export function createHostRuntime(init: HostRuntimeInit): HostRuntime {
  const limits = { ...defaultLimits, ...init.limits }
  const deadlines = new Deadlines(() => performance.now())
  const requests = new Requests({ ...init, limits, deadlines })
  const lane = new Lane()
  const commands = new Commands(requests, lane)
  const queries = new Queries(requests, lane)
  const flows = new Flows(requests, { commands, queries })
  const byKind = { query: queries, command: commands, flow: flows }
  /** What is built beside calls goes through their lane. */
  const building = { lane, deadlines, limits, calls: () => commands.begun + queries.begun }
  const counts = { disallowed: 0, faults: 0 }
  /** What was imported: a running host loads no other code. */
  const imported = new Map<string, Promise<unknown>>()
  let plan = init.plan
  let code: LoadedCode | undefined
  let serving: OpenState | undefined
  let preparation: Preparation | undefined
  const copies = new Set<{ readonly stop: () => void; readonly done: Promise<unknown> }>()
  let draining = false
  let closed = false

  return {
    load: async () => {
      code = await loadCode(plan, importOnce)
    },

    open: async signal => {
      invariant(code !== undefined, 'a host loads its code before it opens its state')
      invariant(serving === undefined && !closed, 'a host opens its state once')
      const db = await (init.openState?.(init.stateDirectory) ??
        openDatabase(init.stateDirectory, { patience: { ms: limits.lockedMsMax, signal } }))
      try {
        init.onProgress({ stage: 'opened' })
        const meta = await bring(db, code, signal)
        const store = new Store(db, { sync: init.plan.durability === 'disk', onBroken, caches: limits })
        const simulations = new Simulations({
          ...served(plan, code, meta),
          onFailed,
          onChange: () => {
            store.caches.clear()
            leftOvers.changed()
          }
        })
        const builds = new TwinBuilds({
          ...{ ...building, store, simulations, onProgress: onBuilding },
          directory: init.stateDirectory,
          onFailed: failed => {
            onFailed(failed)
            // What it has built takes room that may be all it lacks.
            leftOvers.clean()
          },
          random: init.random,
          onBuilt: revision => {
            init.onBuilt?.(revision)
            leftOvers.clean()
          }
        })
        const leftOvers = new LeftOvers({
          store,
          directory: init.stateDirectory,
          meta: () => simulations.meta,
          isBuilding: space => builds.isBuilding(space) || preparation?.isBuilding(space) === true,
          log: init.log
        })
        const outbox = await Outbox.read({
          ...init,
          newSession: init.newSession ?? newSession,
          store,
          limits,
          deadlines
        })
        const sessions = await Sessions.read(db, limits)
        serving = { db, store, sessions, simulations, builds, outbox, leftOvers }
        builds.start()
        outbox.start()
        leftOvers.clean()
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
      if (request.method === contractMethod) return encodeValue(servedContract(now.simulations.chain, request))
      const { facade, method } = target(now.simulations.chain, request)
      try {
        return await byKind[method.kind].run(now, facade, method, request)
      } catch (error) {
        count(error, facade, method)
        throw error
      }
    },

    takeOver: async next => {
      if (serving === undefined || draining || closed || !codeOfPlan(next).every(isImported)) return undefined
      const { simulations, store, leftOvers, builds } = serving
      // Whoever cannot write has to make room for another process.
      if (store.broken) return undefined
      const loaded = await loadCode(next, importOnce)
      const taken = await lane.alone(async () => {
        const begunMs = performance.now()
        // Whoever asked may have given up meanwhile, and be on its way to another process.
        if (draining) return undefined
        // Code that nobody wants any more runs on in no process that serves (P1).
        if (builds.underWay.some(revision => !next.future.some(each => each.revision === revision))) return undefined
        const moved = takenOver(next, simulations.meta, simulations.chain.building, init.now())
        if (moved === undefined) return undefined
        const layer = new Layer()
        putMeta(layer, { className: next.className, meta: moved })
        await store.commitDurably(layer)
        simulations.serve(served(next, loaded, moved))
        return { meta: moved, pauseMs: performance.now() - begunMs }
      })
      if (taken === undefined) return undefined
      plan = next
      code = loaded
      builds.start()
      leftOvers.clean()
      return taken
    },

    keepStates: async stay => {
      if (serving === undefined || draining || closed) return undefined
      const { db, store, simulations, leftOvers } = serving
      await lane.alone(async () => {
        const { meta, className } = simulations
        const kept = meta.kept?.filter(each => stay === 'all' || stay.includes(each.generation))
        // Whoever drains reads the record that another process is about to find.
        if (draining || kept === undefined || kept.length === meta.kept?.length) return
        const layer = new Layer()
        putMeta(layer, { className, meta: { ...meta, kept } })
        await store.commitDurably(layer)
        simulations.complete({ ...meta, kept })
        leftOvers.clean()
      })
      return oldStates(db, init.stateDirectory, simulations.meta)
    },

    built: () => serving?.builds.settled ?? Promise.resolve(),

    prepare: async (next, signal) => {
      const step = next.steps.find(each => each.from === serving?.simulations.meta.current)
      if (serving === undefined || draining || step?.transform !== 'entries' || !isImported(step)) return
      const code = await loadStep(step, importOnce)
      if (preparation?.isFor(step) !== true) {
        await preparation?.abandon()
        preparation = new Preparation({ ...init, ...building, ...serving, step, code, onProgress: onBuilding })
      }
      const begun = preparation
      const giveUp = (): void => void begun.abandon()
      signal.addEventListener('abort', giveUp, { once: true })
      if (signal.aborted) giveUp()
      try {
        await begun.ready
      } catch (error) {
        await begun.abandon()
        signal.throwIfAborted()
        const fault = machineFaultIn(error)
        if (fault !== undefined) throw unbuildable(fault, init.stateDirectory)
        const what = `The transform to version ${step.to} of ${next.className} failed: ${messageOf(error)}.`
        throw new InstarError('TransformFailed', what, { cause: error })
      }
    },

    settle: async () => {
      try {
        if (serving !== undefined && !closed) await writeTables(serving.db)
      } catch (error) {
        init.log.warn({ err: error }, 'the log of the state could not be emptied; the next opening replays it')
      }
    },

    copyState: async (to, options) => {
      const now = serving
      if (now === undefined || draining) throw new InstarError('Stopped', 'The host does not serve: it copies nothing.')
      const stopping = new AbortController()
      const copying = copyState({
        ...{ ...now, lane, from: init.stateDirectory, to, calls: building.calls, onProgress: options.onProgress },
        signal: AbortSignal.any([stopping.signal, options.signal])
      }).catch((error: unknown) => {
        options.signal.throwIfAborted()
        throw stopping.signal.aborted
          ? new InstarError('Stopped', 'The host was stopped while it copied its state.', { cause: error })
          : stateError(error, to)
      })
      const copy = { stop: () => stopping.abort(), done: copying.catch(() => undefined) }
      copies.add(copy)
      return copying.finally(() => copies.delete(copy))
    },

    drain: async deadlineMs => {
      draining = true
      for (const copy of copies) copy.stop()
      // Whatever has not left yet leaves from the next host.
      serving?.outbox.stop()
      queries.leave('the host is about to stop')
      flows.leave('the host is about to stop')
      const built = serving?.builds.stop()
      let cut = 0
      const deadline = deadlines.add(deadlineMs, () => {
        cut += cutAll()
      })
      await settled()
      await built
      deadline.cancel()
      return { cut }
    },

    close: async onWritten => {
      if (closed) return
      closed = true
      serving?.outbox.stop()
      const built = serving?.builds.stop()
      const cleaned = serving?.leftOvers.stop()
      cutAll()
      await settled()
      await built
      await cleaned
      for (const copy of copies) {
        copy.stop()
        await copy.done
      }
      await preparation?.finish()
      deadlines.stop()
      onWritten?.()
      await serving?.db.close()
    },

    describe: () => (code === undefined ? [] : [code.object, ...code.past, ...code.future].map(describeFacade)),

    stats: (): HostStats => ({
      ...counts,
      commands: commands.begun,
      queries: queries.begun,
      flows: flows.begun,
      repeats: commands.repeats + flows.repeats,
      running: queries.running + flows.running + (lane.busy ? 1 : 0),
      waiting: lane.waiting,
      withdrawn: serving?.simulations.chain.withdrawn.size ?? 0,
      building: serving?.builds.building ?? [],
      cleaning: serving?.leftOvers.underWay ?? false,
      sessions: serving?.sessions.size ?? 0,
      commits: serving?.store.commits ?? 0,
      cacheHits: serving?.store.caches.hits ?? 0,
      outbox: serving?.outbox.stats ?? { waiting: 0, delivered: 0, refused: 0, givenUp: 0 }
    })
  }

  function bring(db: Database, code: LoadedCode, signal: AbortSignal): Promise<StateMeta> {
    return bringToPlan({
      db,
      directory: init.stateDirectory,
      network: init.network,
      plan,
      code,
      random: init.random,
      signal,
      nowMs: init.now(),
      onProgress: init.onProgress
    })
  }

  function importOnce(ref: CodeRef): Promise<unknown> {
    const found = imported.get(keyOf(ref)) ?? init.load(ref)
    imported.set(keyOf(ref), found)
    return found
  }

  function isImported(ref: CodeRef): boolean {
    return imported.has(keyOf(ref))
  }

  function onBuilding(progress: BuildProgress): void {
    init.onBuilding?.(progress)
  }

  function onBroken(error: unknown): void {
    const explained = unwritable(error, init.stateDirectory)
    init.log.warn({ err: explained }, 'the state can no longer be written')
    init.onBroken?.(explained)
  }

  function onFailed(failed: SimulationFailed): void {
    init.log.warn(failed, failed.cause)
    init.onSimulationFailed?.(failed)
  }

  function count(error: unknown, facade: Facade, method: FacadeMethod): void {
    if (!(error instanceof CallError)) return
    if (error.code === 'Disallowed') counts.disallowed++
    if (!isFault(error)) return
    counts.faults++
    init.log.warn({ class: facade.className, version: facade.revision, method: method.name, err: error }, error.message)
  }

  function cutAll(): number {
    const message = 'the call was cut off: this host stops'
    // Flows first: whatever their steps would come to is nobody's then.
    return (
      flows.cut(executed => upgrading(message, executed)) +
      commands.cut(upgrading(message)) +
      queries.cut(upgrading(message))
    )
  }

  /** A flow may go on to commands and queries while it is waited for. */
  async function settled(): Promise<void> {
    while (flows.running + queries.running > 0 || lane.busy) {
      await flows.settled()
      await lane.idle()
      await queries.settled()
    }
    await serving?.store.idle()
  }
}

interface OpenState extends Serving {
  readonly db: Database
  readonly builds: TwinBuilds
  readonly leftOvers: LeftOvers
}

/** What new code does on trial, it must not cost the old version (P2). */
function served(plan: HostPlan, code: LoadedCode, meta: StateMeta): Served {
  return { code, className: plan.className, meta, onTrial: plan.wayBack !== undefined }
}

function keyOf({ bundle, entry }: CodeRef): string {
  return `${bundle}/${entry}`
}

function newSession(): string {
  return randomUUID().replaceAll('-', '')
}
