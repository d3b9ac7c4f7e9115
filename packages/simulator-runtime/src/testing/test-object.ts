import type { StateMeta, WayBack } from '@instar/core'
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeValue, encodeValue } from '../codec/codec.js'
import type { Contract, StubOf } from '../contract/contract.js'
import { createHostRuntime } from '../host/create-host-runtime.js'
import type { CopiedState } from '../host/rehearse/copy-state.js'
import { createTransformRehearsal, type TransformRehearsal } from '../host/rehearse/transform-rehearsal.js'
import type { CallRequest, HostRuntime, HostRuntimeInit, StateProgress } from '../host/host-runtime.js'
import { afterUpgrade, createTestPlans, type Stand, type TestVersions } from './test-plans.js'

const network = '0'.repeat(64)

/** What a test object is made of. */
export interface TestObjectInit {
  /** Version 1, and the upgrades to 2, 3, … in order; a class alone is a patch of the one before. */
  readonly versions: TestVersions
  /** An empty directory that the test removes afterwards. */
  readonly directory: string
  /** The version that a new state starts as; 1 unless said otherwise. */
  readonly start?: number
  /** The oldest version that a new state serves, by past simulation objects; `start` unless said otherwise. */
  readonly lowest?: number
  readonly durability?: 'os' | 'disk'
  readonly transformMs?: number
  /** Keep the state of before an upgrade until it is committed, so that `goBack` can return to it; twins keep it in any case. */
  readonly keepBefore?: boolean
  readonly overrides?: Partial<
    Pick<
      HostRuntimeInit,
      'now' | 'random' | 'log' | 'outgoing' | 'limits' | 'onBroken' | 'onSimulationFailed' | 'onBuilding' | 'openState'
    >
  >
}

/** What a caller may say besides method and arguments; by default it has 5 s and no session. */
export interface TestCall {
  readonly session?: string
  readonly seq?: number
  readonly doneBelow?: number
  readonly remainingMs?: number
  readonly caller?: string
  readonly signal?: AbortSignal
}

/** One object with its simulation objects in this process, taken through the events of its life (introduce, upgrade, retire). */
export interface TestObject {
  readonly current: number
  /** A version's methods, as a caller sees them. */
  at<C extends Contract>(version: number, contract: C): StubOf<C>
  /** One call with everything that a caller can say. @throws CallError */
  call(version: number, method: string, args: readonly unknown[], options?: TestCall): Promise<unknown>
  /** Serves versions up to this one by their future simulation objects; resolves when it is so: the state of a twin is complete. */
  introduce(version: number): Promise<StateMeta>
  /** The same, without waiting for the state of a twin, which `host.built()` does. */
  beginToIntroduce(version: number): Promise<StateMeta>
  /** Serves this version no longer, without an upgrade. */
  withdraw(version: number): Promise<StateMeta>
  /** Builds what a transform by entries can build before the upgrade to this version; calls go on, and {@link upgrade} takes it over. */
  prepare(version: number, signal?: AbortSignal): Promise<void>
  /** Copies the state as it is now and makes ready to try the upgrade to this version on the copy. */
  rehearse(version: number): Promise<{ readonly copied: CopiedState; readonly rehearsal: TransformRehearsal }>
  /** Goes through every version up to this one, in one switch. */
  upgrade(version?: number): Promise<StateMeta>
  /**
   * Returns to the state of before the upgrade; needs `keepBefore`, unless it is a twin. `transform`: by the upgrade's reverse transform.
   */
  goBack(version: number, by?: 'transform'): Promise<StateMeta>
  /** Ends the trial: there is no going back any more. */
  commit(): Promise<StateMeta>
  /** Serves this version and those below it no longer. */
  retire(version: number): Promise<StateMeta>
  /** Ends the process in good order and starts it again. */
  restart(): Promise<StateMeta>
  /** Drops the process as SIGKILL would: goes on from a copy of what is on disk at this moment. */
  crash(): Promise<StateMeta>
  /** Ends it, with every process that `crash` has dropped. */
  close(): Promise<void>
  readonly host: HostRuntime
  readonly progress: readonly StateProgress[]
}

/** Makes the object with version `start` running and nothing else served. */
export async function createTestObject(init: TestObjectInit): Promise<TestObject> {
  const plans = createTestPlans({
    versions: init.versions,
    durability: init.durability ?? 'os',
    transformMs: init.transformMs ?? 10_000,
    keepBefore: init.keepBefore === true
  })
  const first = init.start ?? 1
  let stand: Stand = { current: first, lowest: init.lowest ?? first, highest: first, onTrial: false, before: first }
  let directory = join(init.directory, 'state-1')
  let copies = 0
  const progress: StateProgress[] = []
  const dropped: HostRuntime[] = []
  let meta: StateMeta
  let host = await start()

  async function start(goBack?: WayBack['by']): Promise<HostRuntime> {
    const next = createHostRuntime({
      plan: plans.planOf(stand, goBack),
      network,
      load: ref => plans.load(ref),
      stateDirectory: directory,
      outgoing: () => Promise.reject(new Error('there is no other peer in this test')),
      now: () => Date.now(),
      random: Math.random,
      log: { info: () => undefined, warn: () => undefined },
      onProgress: step => progress.push(step),
      ...init.overrides
    })
    await next.load()
    meta = await next.open(new AbortController().signal)
    return next
  }

  async function switchHost(to: Partial<Stand>, goBack?: WayBack['by']): Promise<StateMeta> {
    const last = stand
    stand = { ...last, ...to }
    const taken = (await host.takeOver(plans.planOf(stand, goBack)))?.meta
    if (taken !== undefined) return (meta = taken)
    try {
      await host.prepare(plans.planOf(stand, goBack), new AbortController().signal)
    } catch (error) {
      stand = last
      throw error
    }
    await host.drain(1000)
    await host.close()
    try {
      host = await start(goBack)
    } catch (error) {
      // As a peer would: the last good plan is started again.
      stand = last
      host = await start()
      throw error
    }
    return meta
  }

  async function served(switched: Promise<StateMeta>): Promise<StateMeta> {
    await switched
    await host.built()
    return meta
  }

  const upTo = (version: number): Partial<Stand> => ({ highest: Math.max(stand.highest, version) })

  const call: TestObject['call'] = async (version, method, args, options = {}) => {
    const request: CallRequest = {
      revision: plans.revisionOf(version),
      version,
      method,
      args: encodeValue(args),
      seq: options.seq ?? 1,
      doneBelow: options.doneBelow ?? 1,
      remainingMs: options.remainingMs ?? 5000,
      caller: options.caller ?? 'test',
      signal: options.signal ?? new AbortController().signal,
      ...(options.session === undefined ? {} : { session: options.session })
    }
    return decodeValue(await host.call(request))
  }

  return {
    get current() {
      return stand.current
    },
    get host() {
      return host
    },
    progress,
    call,
    at: <C extends Contract>(version: number, contract: C) =>
      Object.fromEntries(
        Object.keys(contract.methods).map(name => [name, (...args: unknown[]) => call(version, name, args)])
      ) as unknown as StubOf<C>,
    introduce: version => served(switchHost(upTo(version))),
    beginToIntroduce: version => switchHost(upTo(version)),
    withdraw: version => switchHost({ highest: Math.min(stand.highest, version - 1) }),
    rehearse: async version => {
      const to = join(init.directory, `copy-${++copies}`)
      const { signal } = new AbortController()
      const copied = await host.copyState(to, { signal, onProgress: () => undefined })
      const rehearsal = createTransformRehearsal({
        plan: plans.planOf(afterUpgrade(stand, version)),
        ...plans.backFrom(version, stand),
        network,
        load: ref => plans.load(ref),
        stateDirectory: to,
        random: Math.random,
        onProgress: () => undefined,
        signal
      })
      await rehearsal.load()
      return { copied, rehearsal }
    },
    prepare: (version, signal = new AbortController().signal) =>
      host.prepare(plans.planOf(afterUpgrade(stand, version)), signal),
    upgrade: (version = stand.current + 1) => switchHost(afterUpgrade(stand, version)),
    goBack: (version, by) =>
      switchHost(
        // As with a peer: what went back is served by nothing.
        { current: version, onTrial: false, ...(by === undefined ? {} : { highest: version }) },
        by ?? (plans.isTwin(version + 1) ? 'exact' : 'copy')
      ),
    commit: () => switchHost({ onTrial: false }),
    retire: version => switchHost({ lowest: Math.max(stand.lowest, version + 1), onTrial: false }),
    restart: async () => {
      await host.drain(1000)
      await host.close()
      host = await start()
      return served(Promise.resolve(meta))
    },
    crash: async () => {
      const copy = join(init.directory, `state-${dropped.length + 2}`)
      await copyAtRest(directory, copy)
      dropped.push(host)
      directory = copy
      host = await start()
      return served(Promise.resolve(meta))
    },
    close: async () => {
      for (const each of [host, ...dropped]) await each.close()
    }
  }
}

/** LevelDB tidies up in the background: a copy counts only if no file came or went meanwhile. */
async function copyAtRest(from: string, to: string): Promise<void> {
  for (;;) {
    const before = await readdir(from)
    await rm(to, { recursive: true, force: true })
    const gone = await cp(from, to, { recursive: true }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return 'a file'
    })
    if (gone === undefined && (await readdir(from)).join() === before.join()) return
  }
}
