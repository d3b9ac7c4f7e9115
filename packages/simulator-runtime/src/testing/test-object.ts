import type {
  CodeRef,
  HostPlan,
  ObjectPlan,
  ReverseStep,
  SimulationModel,
  StateMeta,
  TransformKind,
  WayBack
} from '@instar/core'
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeValue, encodeValue } from '../codec/codec.js'
import type { Contract, StubOf } from '../contract/contract.js'
import type { ClassDefinition } from '../definition/define-class.js'
import type { UpgradeDefinition } from '../definition/define-upgrade.js'
import { createHostRuntime } from '../host/create-host-runtime.js'
import type { CopiedState } from '../host/rehearse/copy-state.js'
import { createTransformRehearsal, type TransformRehearsal } from '../host/rehearse/transform-rehearsal.js'
import type { CallRequest, HostRuntime, HostRuntimeInit, StateProgress } from '../host/host-runtime.js'

/** What a test object is made of. */
export interface TestObjectInit {
  /** Version 1, and the upgrades to 2, 3, … in order; a class alone is a patch of the one before. */
  readonly versions: readonly [ClassDefinition, ...Array<UpgradeDefinition | ClassDefinition>]
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
      'now' | 'random' | 'log' | 'outgoing' | 'limits' | 'onBroken' | 'onSimulationFailed' | 'onBuilding'
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
  const steps = init.versions.map((definition, i) => ({ definition, version: i + 1 }))
  const revisions = revisionsOf(init.versions)
  const revisionOf = (version: number): number => revisions[version - 1] ?? 0
  let directory = join(init.directory, 'state-1')
  let current = init.start ?? 1
  let lowest = init.lowest ?? current
  let highest = current
  const load = async (ref: CodeRef): Promise<unknown> => steps[Number(ref.entry) - 1]?.definition
  let plans = 0
  let copies = 0
  let onTrial = false
  /** The version that going back from a trial leads to. */
  let before = current
  const progress: StateProgress[] = []
  const dropped: HostRuntime[] = []
  let meta: StateMeta
  let host = await start()

  async function start(goBack?: WayBack['by']): Promise<HostRuntime> {
    const next = createHostRuntime({
      plan: plan(goBack),
      network,
      load,
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

  function wayBack(): { wayBack?: WayBack } {
    const definition = init.versions[current - 1]
    if (!onTrial || definition?.instar !== 'upgrade') return {}
    if (isTwin(definition)) return { wayBack: { by: 'exact', object: objectPlan(before) } }
    if (init.keepBefore === true) return { wayBack: { by: 'copy', to: before } }
    return definition.reverse === undefined ? {} : { wayBack: { by: 'transform' } }
  }

  function objectPlan(version: number): ObjectPlan {
    return { ...ref(version), version, chainId: chainIdOf(version), revision: revisionOf(version) }
  }

  function plan(goBack: WayBack['by'] | undefined): HostPlan {
    const revision = revisionOf(current)
    const revisionsUpTo = [...new Set(revisions)]
    const past = revisionsUpTo.filter(each => each < revision && each >= revisionOf(lowest)).reverse()
    const future = revisionsUpTo.filter(each => each > revision && each <= revisionOf(highest))
    return {
      format: 1,
      plan: ++plans,
      className: contractOf(init.versions[current - 1]).name,
      object: objectPlan(current),
      // A past simulation object stands in the module of the upgrade that left its version.
      past: past.map(each => ({
        ...ref(nextRevision(each)),
        revision: each,
        model: modelOf(nextRevision(each), 'past')
      })),
      future: future.map(each => ({ ...ref(each), revision: each, model: modelOf(each, 'future') })),
      steps: steps.slice(1, current).map(({ definition, version }) => ({
        ...ref(version),
        from: version - 1,
        to: version,
        chainId: chainIdOf(version),
        transform: transformOf(definition),
        fromRevision: revisionOf(version - 1),
        toRevision: revisionOf(version)
      })),
      goBack,
      ...(goBack === 'transform' ? { reverse: [reverseStep(current + 1)] } : {}),
      ...wayBack(),
      durability: init.durability ?? 'os',
      limits: { loadMs: 10_000, drainMs: 1000, transformMs: init.transformMs ?? 10_000, heapMiB: 512 }
    }
  }

  function reverseStep(from: number): ReverseStep {
    const to = from - 1
    const revisions = { fromRevision: revisionOf(from), toRevision: revisionOf(to) }
    return { ...ref(from), from, to, chainId: chainIdOf(to), ...revisions }
  }

  function modelOf(version: number, role: 'past' | 'future'): SimulationModel {
    const definition = init.versions[version - 1]
    return (definition?.instar === 'upgrade' ? definition[role]?.model : undefined) ?? 'direct'
  }

  function nextRevision(revision: number): number {
    return revisions.find(each => each > revision) ?? revision
  }

  /** Of an upgrade that is not made yet. */
  function planOf(version: number): HostPlan {
    const now = { current, highest, onTrial, before }
    ;({ current, highest, onTrial, before } = {
      current: version,
      highest: Math.max(highest, version),
      onTrial: true,
      before: current
    })
    try {
      return plan(undefined)
    } finally {
      ;({ current, highest, onTrial, before } = now)
    }
  }

  async function switchHost(change: () => void, goBack?: WayBack['by']): Promise<StateMeta> {
    const last = { current, lowest, highest, onTrial, before }
    change()
    const taken = (await host.takeOver(plan(goBack)))?.meta
    if (taken !== undefined) return (meta = taken)
    try {
      await host.prepare(plan(goBack), new AbortController().signal)
    } catch (error) {
      ;({ current, lowest, highest, onTrial, before } = last)
      throw error
    }
    await host.drain(1000)
    await host.close()
    try {
      host = await start(goBack)
    } catch (error) {
      // As a peer would: the last good plan is started again.
      ;({ current, lowest, highest, onTrial, before } = last)
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

  const call: TestObject['call'] = async (version, method, args, options = {}) => {
    const request: CallRequest = {
      revision: revisionOf(version),
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
      return current
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
    introduce: version => served(switchHost(() => (highest = Math.max(highest, version)))),
    beginToIntroduce: version => switchHost(() => (highest = Math.max(highest, version))),
    withdraw: version => switchHost(() => (highest = Math.min(highest, version - 1))),
    rehearse: async version => {
      const to = join(init.directory, `copy-${++copies}`)
      const { signal } = new AbortController()
      const copied = await host.copyState(to, { signal, onProgress: () => undefined })
      const rehearsal = createTransformRehearsal({
        plan: planOf(version),
        network,
        load,
        stateDirectory: to,
        random: Math.random,
        onProgress: () => undefined,
        signal
      })
      await rehearsal.load()
      return { copied, rehearsal }
    },
    prepare: (version, signal = new AbortController().signal) => host.prepare(planOf(version), signal),
    upgrade: (version = current + 1) =>
      switchHost(() => {
        before = current
        current = version
        highest = Math.max(highest, version)
        onTrial = true
      }),
    goBack: (version, by) =>
      switchHost(
        () => {
          current = version
          // As with a peer: what went back is served by nothing.
          if (by !== undefined) highest = version
          onTrial = false
        },
        by ?? (isTwin(init.versions[version]) ? 'exact' : 'copy')
      ),
    commit: () => switchHost(() => (onTrial = false)),
    retire: version =>
      switchHost(() => {
        lowest = Math.max(lowest, version + 1)
        onTrial = false
      }),
    restart: async () => {
      await host.drain(1000)
      await host.close()
      host = await start()
      return served(Promise.resolve(meta))
    },
    crash: async () => {
      const copy = join(init.directory, `state-${plans + 1}`)
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

const network = '0'.repeat(64)
const ref = (version: number): CodeRef => ({ bundle: `${version}`.padStart(64, '0'), entry: `${version}` })

function contractOf(definition: ClassDefinition | UpgradeDefinition | undefined): Contract {
  if (definition === undefined) throw new RangeError('the test gave no such version')
  return definition.instar === 'class' ? definition.contract : definition.to.contract
}

/** The version that brought each version's contract: an upgrade to the same contract is compatible and brings none (§6). */
function revisionsOf(versions: ReadonlyArray<ClassDefinition | UpgradeDefinition>): readonly number[] {
  const revisions: number[] = []
  for (const [i, definition] of versions.entries()) {
    const compatible = definition.instar === 'class' ? i > 0 : definition.from === definition.to.contract
    revisions.push(compatible ? (revisions[i - 1] ?? 1) : i + 1)
  }
  return revisions
}

function transformOf(definition: ClassDefinition | UpgradeDefinition): TransformKind {
  if (definition.instar === 'class') return 'none'
  if (isTwin(definition)) return 'mapping'
  if (definition.entries !== undefined) return 'entries'
  return definition.transform === undefined ? 'none' : 'whole'
}

function isTwin(definition: ClassDefinition | UpgradeDefinition | undefined): boolean {
  return definition?.instar === 'upgrade' && definition.map !== undefined
}

/** Tests have one history: a version's number says it all. */
function chainIdOf(version: number): string {
  return version.toString(16).padStart(16, '0')
}
