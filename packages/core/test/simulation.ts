import {
  codeOfPlan,
  compactEntries,
  createPeerState,
  defaultPolicy,
  defaultTiming,
  descriptorHash,
  openAdmission,
  routesOf,
  sha256Hex,
  step,
  type Announcement,
  type Descriptor,
  type Effect,
  type Fact,
  type HostPlan,
  type JournalEntry,
  type LocalPolicy,
  type OldState,
  type Now,
  type MachineFacts,
  type Outcome,
  type PeerConfig,
  type PeerState,
  type ScheduleDecision,
  type StateMeta,
  type SwitchStage,
  type Timing
} from '../src/index.js'
import { network } from './descriptors.js'

/** What a peer keeps when its process dies. */
interface Disk {
  journal: JournalEntry[]
  meta: StateMeta | undefined
  bundles: Set<string>
  trusted: Descriptor[]
  /** Descriptors of a history that the network does not count. */
  others: Descriptor[]
  /** The halts, forks and decisions that are trusted, by version: told again at every start. */
  words: Map<number, TrustWord[]>
  /** Whose code made the state of each future simulation object, by revision: a state is named by nothing else. */
  futures: Map<number, string>
  /** How far a walk has come that `meta` does not name yet: gone when something else has served. */
  walkedTo: number | undefined
  /** Revisions of future twins whose state is complete. */
  twins: Set<number>
  /** States that nothing runs on any more. */
  old: OldState[]
  epoch: number
}

/** What trust documents say of versions. */
type TrustWord = Extract<Fact, { fact: 'halt' | 'resume' | 'forked' | 'decided' }>

/** What every transform comes to on a copy. */
const rehearsed = {
  pauseMs: 40,
  transformMs: 30,
  entries: 1000,
  files: 0,
  bytesBefore: 100_000,
  bytesAfter: 120_000,
  diskBytes: 240_000
}

/** What happens next in the simulated world, at a time. */
interface Pending {
  atMs: number
  order: number
  peer: number
  /** Boot in which it was asked for: results of a dead process never arrive. Undefined: it happens anyway. */
  boot: number | undefined
  run: () => void
}

export interface SimulationOptions {
  readonly peers: number
  readonly seed: number
  readonly timing?: Partial<Timing>
  readonly policy?: Partial<LocalPolicy>
  /** What goes wrong: an outcome for a fetch or rehearsal of a bundle, or the cause why a switch to a plan fails. */
  readonly faults?: {
    /** What the machine of a peer has, where that matters. */
    readonly machine?: (peer: SimulatedPeer) => Partial<MachineFacts>
    readonly rehearse?: (bundleOrVersion: number) => string | undefined
    /** The step of several at which a plan fails in its rehearsal, where that can be told. */
    readonly walk?: (plan: HostPlan) => { readonly cause: string; readonly step: number | undefined } | undefined
    readonly rehearseState?: (plan: HostPlan, back?: HostPlan) => { cause: string; transient: boolean } | undefined
    readonly switch?: (
      plan: HostPlan,
      attempt: number
    ) => { cause: string; stage: SwitchStage; restored?: boolean; moved?: boolean; transient?: boolean } | undefined
  }
  /** What a probe comes to; default: an answer. */
  readonly probe?: (
    peer: SimulatedPeer,
    probe: Extract<Effect, { effect: 'probe' }>
  ) => Extract<Outcome, { of: 'probe' }> | undefined
  /** Bundles come from the disks of peers that are up, the first of them has what is published, and what is unneeded for so long goes. */
  readonly scarceBundles?: { readonly retentionMs: number }
  /** Manual schedules wait for an approval; otherwise every schedule is eager. */
  readonly asksOperators?: boolean
  /** Replaces each peer's journal by its compaction at every start. */
  readonly compact?: boolean
  /** Called for every effect and every fact, in order. */
  readonly trace?: (line: string) => void
}

const genesisWallMs = Date.parse('2026-01-01T00:00:00.000Z')

/**
 * A small deterministic world around the real core: simulated time, disks, hosts and gossip, all drawn from one seed. It stands in for
 * the shell, so what is tested is `step` alone.
 */
export class Simulation {
  readonly options: SimulationOptions
  readonly peers: SimulatedPeer[] = []
  nowMs = 0
  /** How far the clock on the wall has been set forward, or back. */
  wallJumpMs = 0
  #queue: Pending[] = []
  #order = 0
  #random: () => number

  constructor(options: SimulationOptions) {
    this.options = options
    this.#random = mulberry32(options.seed)
    for (let i = 0; i < options.peers; i++) this.peers.push(new SimulatedPeer(this, i))
  }

  random(below: number): number {
    return Math.floor(this.#random() * below)
  }

  later(peer: SimulatedPeer, delayMs: number, run: () => void): void {
    this.#queue.push({ atMs: this.nowMs + delayMs, order: this.#order++, peer: peer.index, boot: peer.disk.epoch, run })
  }

  /** Something that happens whether the process lives or not. */
  always(peer: SimulatedPeer, delayMs: number, run: () => void): void {
    this.#queue.push({ atMs: this.nowMs + delayMs, order: this.#order++, peer: peer.index, boot: undefined, run })
  }

  /** Starts a process again that was killed. */
  rebootLater(peer: SimulatedPeer, delayMs: number): void {
    this.always(peer, delayMs, () => peer.boot())
  }

  /** Runs what is pending until `until` holds. @throws when nothing is left to do, or the time is over */
  run(until: () => boolean, limitMs = 600_000): void {
    const endMs = this.nowMs + limitMs
    while (!until()) {
      this.#queue.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
      const next = this.#queue.shift()
      if (next === undefined || next.atMs > endMs)
        throw new Error(`stuck at ${this.nowMs} ms: ${this.peers.map(peer => peer.describe()).join(' | ')}`)
      this.nowMs = Math.max(this.nowMs, next.atMs)
      const peer = this.peers[next.peer]
      if (peer === undefined) continue
      if (next.boot === undefined || (peer.isUp && peer.disk.epoch === next.boot)) next.run()
    }
  }

  /** A descriptor becomes trusted everywhere, at each peer at its own moment. */
  publish(descriptor: Descriptor): void {
    if (this.options.scarceBundles !== undefined)
      for (const { bundle } of descriptor.classes) this.peers[0]?.disk.bundles.add(bundle)
    for (const peer of this.peers) peer.learn(descriptor, 1 + this.random(200))
  }

  deliver(from: SimulatedPeer, announcement: Announcement): void {
    for (const peer of this.peers) {
      if (peer === from || !peer.isUp) continue
      this.later(peer, 1 + this.random(50), () =>
        peer.input({ fact: 'announcement', announcement, ageMs: 0, admission: openAdmission })
      )
    }
  }

  wallMs(): number {
    return genesisWallMs + this.nowMs + this.wallJumpMs
  }
}

export class SimulatedPeer {
  readonly simulation: Simulation
  readonly index: number
  readonly id: string
  disk: Disk = {
    journal: [],
    meta: undefined,
    bundles: new Set(),
    trusted: [],
    others: [],
    words: new Map(),
    futures: new Map(),
    walkedTo: undefined,
    twins: new Set(),
    old: [],
    epoch: 0
  }
  state: PeerState
  isUp = false
  /** Kills the process when it returns true: before an effect, or after it. */
  killAt: ((when: 'before' | 'after', effect: Effect) => boolean) | undefined
  /** Bundles that it has removed because nothing needed them. */
  readonly removed = new Set<string>()
  readonly #unneeded = new Map<string, number>()
  /** Its newest statement. */
  said: Announcement | undefined
  #seq = 0
  #wake = 0
  #switches = 0
  #switching: { id: number; cancelled: boolean } | undefined

  constructor(simulation: Simulation, index: number) {
    this.simulation = simulation
    this.index = index
    this.id = `12D3Koo${sha256Hex(`peer ${index}`).replace(/[0l]/g, 'x').slice(0, 40)}`
    this.state = createPeerState(this.config())
  }

  config(): PeerConfig {
    return {
      peer: this.id,
      className: 'Counter1',
      groups: [],
      instar: '0.0.0',
      alone: this.index === 0,
      timing: {
        ...defaultTiming,
        retryMinMs: 50,
        retryMaxMs: 2000,
        ...this.simulation.options.timing
      },
      policy: { ...defaultPolicy, ...this.simulation.options.policy },
      archive: false
    }
  }

  boot(): void {
    this.isUp = true
    this.disk.epoch++
    this.state = createPeerState(this.config())
    for (const word of [...this.disk.words.values()].flat()) this.input(word)
    for (const descriptor of this.disk.trusted) this.input({ fact: 'versionTrusted', descriptor })
    this.input({ fact: 'freshUntil', untilMs: Number.MAX_SAFE_INTEGER })
    this.input({
      fact: 'start',
      epoch: this.disk.epoch,
      entries: structuredClone(this.disk.journal),
      found: this.disk.meta && {
        version: this.disk.meta.current,
        chainId: this.disk.meta.chainId,
        ...(this.disk.walkedTo === undefined ? {} : { walkedTo: this.disk.walkedTo })
      },
      bundles: [...this.disk.bundles],
      others: this.disk.others
    })
    if (this.simulation.options.compact === true)
      this.disk.journal = structuredClone([
        ...compactEntries(this.state, { wallMs: this.simulation.wallMs(), monoMs: this.simulation.nowMs })
      ])
    // A new connection brings the neighbours' newest statements (sync).
    this.simulation.later(this, 5, () => {
      for (const other of this.simulation.peers) {
        if (other !== this && other.said !== undefined) {
          this.input({ fact: 'announcement', announcement: other.said, ageMs: 0, admission: openAdmission })
        }
      }
      this.input({ fact: 'synced' })
    })
  }

  kill(): void {
    this.isUp = false
    this.#switching = undefined
  }

  /** The version becomes trusted here, now or, while the process is down, at its next start. Versions come in order. */
  learn(descriptor: Descriptor, delayMs: number): void {
    this.simulation.always(this, delayMs, () => {
      if (descriptor.version > this.disk.trusted.length + 1) return this.learn(descriptor, 50)
      if (descriptor.version <= this.disk.trusted.length || this.#isDecidedAgainst(descriptor)) return
      this.disk.trusted.push(descriptor)
      this.input({ fact: 'versionTrusted', descriptor })
    })
  }

  /** A halt, its end, or a fork becomes trusted here: acts now, and at every start again. */
  trust(word: TrustWord): void {
    const { words } = this.disk
    const kinds = word.fact === 'forked' || word.fact === 'decided' ? ['forked', 'decided'] : ['halt', 'resume']
    words.set(word.version, [...(words.get(word.version) ?? []).filter(each => !kinds.includes(each.fact)), word])
    this.input(word)
  }

  #isDecidedAgainst(descriptor: Descriptor): boolean {
    const words = this.disk.words.get(descriptor.version) ?? []
    return words.some(word => word.fact === 'decided' && word.keep !== descriptorHash(descriptor))
  }

  /** The root decides: of the versions from this one on, these count, and what was trusted before does not. */
  decide(version: number, kept: readonly Descriptor[]): void {
    const { disk } = this
    const [first] = kept
    const replaced = disk.trusted.slice(version - 1)
    disk.trusted = [...disk.trusted.slice(0, version - 1), ...kept]
    disk.others = [...disk.others, ...replaced].filter(each => !disk.trusted.includes(each))
    this.trust({ fact: 'decided', version, keep: first === undefined ? 'none' : descriptorHash(first) })
    for (const descriptor of kept) this.input({ fact: 'versionTrusted', descriptor })
  }

  get now(): Now {
    return { wallMs: this.simulation.wallMs(), monoMs: this.simulation.nowMs }
  }

  input(fact: Fact): void {
    if (!this.isUp) return
    const { now } = this
    this.simulation.options.trace?.(`${this.index} < ${describeFact(fact)}`)
    const { state, effects } = step(this.state, { ...fact, now })
    this.state = state
    for (const effect of effects) {
      if (this.killAt?.('before', effect) === true) return this.kill()
      this.act(effect)
      if (this.killAt?.('after', effect) === true) return this.kill()
    }
  }

  act(effect: Effect): void {
    const { simulation } = this
    if (effect.effect !== 'wake') simulation.options.trace?.(`${this.index} > ${describeEffect(effect)}`)
    switch (effect.effect) {
      case 'persist':
        this.disk.journal.push(...structuredClone(effect.entries))
        return
      case 'fetchBundle':
        return simulation.later(this, 5 + simulation.random(100), () => this.#fetch(effect))
      case 'clean':
        this.#clean(effect)
        return this.done(effect.id, { of: 'clean', ok: true })
      case 'preflight': {
        const facts = simulation.options.faults?.machine?.(this) ?? {}
        return simulation.later(this, 1, () =>
          this.done(effect.id, {
            of: 'preflight',
            ok: true,
            facts: { platform: 'linux-x64', node: '24.0.0', ...facts }
          })
        )
      }
      case 'rehearse': {
        const { rehearse, walk } = simulation.options.faults ?? {}
        const failed = walk?.(effect.plans.at(-1)!)
        const cause = failed?.cause ?? rehearse?.(effect.version)
        const why = { transient: false, ...(failed?.step === undefined ? {} : { step: failed.step }) }
        return simulation.later(this, 20, () =>
          this.done(
            effect.id,
            cause === undefined ? { of: 'rehearse', ok: true } : { of: 'rehearse', ok: false, cause, ...why }
          )
        )
      }
      case 'rehearseState': {
        const stateVersion = this.disk.meta?.current ?? 0
        const fault = simulation.options.faults?.rehearseState?.(effect.plan, effect.back)
        return simulation.later(this, 50, () =>
          this.done(effect.id, {
            of: 'rehearseState',
            ...(fault === undefined
              ? { ok: true, rehearsed: { ...rehearsed, stateVersion, atMs: simulation.nowMs } }
              : { ok: false, ...fault })
          })
        )
      }
      case 'evaluateSchedule':
        return simulation.later(this, 1, () =>
          this.done(effect.id, {
            of: 'evaluateSchedule',
            ok: true,
            decision: simulation.options.asksOperators === true ? decisionOf(effect) : eager
          })
        )
      case 'switchHost':
        return this.#switchHost(effect)
      case 'cancelSwitch':
        if (this.#switching?.id === effect.id) this.#switching.cancelled = true
        return
      case 'probe':
        return simulation.later(this, 5, () =>
          this.done(effect.id, simulation.options.probe?.(this, effect) ?? { of: 'probe', ok: true })
        )
      case 'cancelRehearsal':
        // Its outcome comes all the same, and nobody waits for it.
        return
      case 'announce':
        this.said = { format: 1, network, peer: this.id, epoch: this.disk.epoch, seq: ++this.#seq, ...effect.content }
        return simulation.deliver(this, this.said)
      case 'wake': {
        const wake = ++this.#wake
        simulation.later(this, effect.afterMs, () => {
          if (wake === this.#wake) this.input({ fact: 'tick' })
        })
      }
    }
  }

  #fetch({ id, bundle }: Extract<Effect, { effect: 'fetchBundle' }>): void {
    const { disk, simulation } = this
    if (simulation.options.scarceBundles !== undefined && !disk.bundles.has(bundle)) {
      if (this.removed.has(bundle)) throw new Error(`${this.index} needs ${bundle.slice(0, 8)}, which it has removed`)
      const isAnywhere = simulation.peers.some(each => each.disk.bundles.has(bundle))
      if (!isAnywhere) throw new Error(`${this.index} needs ${bundle.slice(0, 8)}, which nobody has any more`)
      if (!simulation.peers.some(each => each.isUp && each.disk.bundles.has(bundle)))
        return this.done(id, { of: 'fetchBundle', ok: false, cause: 'nobody has it', transient: true })
    }
    disk.bundles.add(bundle)
    this.done(id, { of: 'fetchBundle', ok: true })
  }

  /** As the shell does: what nobody has needed for a while goes. */
  #clean({ bundles, states }: Extract<Effect, { effect: 'clean' }>): void {
    const { disk, simulation } = this
    for (const bundle of disk.bundles) {
      if (bundles === 'all' || bundles.includes(bundle)) this.#unneeded.delete(bundle)
      else if (!this.#unneeded.has(bundle)) this.#unneeded.set(bundle, simulation.nowMs)
    }
    const retentionMs = simulation.options.scarceBundles?.retentionMs ?? 0
    for (const [bundle, sinceMs] of this.#unneeded) {
      if (simulation.nowMs - sinceMs < retentionMs) continue
      disk.bundles.delete(bundle)
      this.#unneeded.delete(bundle)
      this.removed.add(bundle)
    }
    if (states !== 'all') {
      disk.old = disk.old.filter(each => states.includes(each.generation))
      this.input({ fact: 'oldStates', states: disk.old })
    }
    if (simulation.options.scarceBundles !== undefined) this.#assertEnoughIsLeft()
  }

  /** With knowledge that no peer has: what is here still leads on from every state that is kept, and what anybody has from every peer's. */
  #assertEnoughIsLeft(): void {
    const { peers } = this.simulation
    const above = (version: number): string[] =>
      this.disk.trusted.slice(version - 1).flatMap(each => each.classes.map(({ bundle }) => bundle))
    for (const { version } of [
      ...this.disk.old,
      ...(this.disk.meta === undefined ? [] : [{ version: this.disk.meta.current }])
    ]) {
      const gone = above(version).find(bundle => this.removed.has(bundle) && !this.disk.bundles.has(bundle))
      if (gone !== undefined) throw new Error(`${this.index} has removed what its state of version ${version} needs`)
    }
    for (const { index, disk } of peers) {
      if (disk.meta === undefined) continue
      const gone = above(disk.meta.current).find(bundle => !peers.some(each => each.disk.bundles.has(bundle)))
      if (gone !== undefined)
        throw new Error(`nobody has what ${index} needs to come on from version ${disk.meta.current}`)
    }
  }

  /** The operator's tool, while the process is down; `isKilled`: when it has said what it is about to do. */
  restore(old: OldState, isKilled: boolean): void {
    const { disk, simulation } = this
    const { version, chainId, generation } = old
    disk.journal.push({ type: 'restore', version, chainId, atMs: simulation.wallMs() })
    if (isKilled || disk.meta === undefined) return
    this.#moveTo({ ...disk.meta, current: version, chainId, generation: disk.meta.generation + 1 })
    disk.old = disk.old.filter(each => each.generation !== generation)
  }

  /** The one synced batch that names another state; the one before stays for a while. */
  #moveTo(meta: StateMeta): void {
    const { disk, simulation } = this
    if (disk.meta !== undefined && disk.meta.current !== meta.current) {
      const { current: version, chainId } = disk.meta
      disk.old = [
        ...disk.old,
        { generation: meta.generation, version, chainId, sinceMs: simulation.wallMs(), bytes: 100 }
      ]
    }
    disk.meta = meta
  }

  #switchHost({ id, plan, purpose }: Extract<Effect, { effect: 'switchHost' }>): void {
    const { simulation } = this
    if (simulation.options.scarceBundles !== undefined)
      for (const { bundle } of codeOfPlan(plan))
        if (!this.disk.bundles.has(bundle))
          throw new Error(`${this.index} is to load ${bundle.slice(0, 8)}, which is not here`)
    const switching = { id, cancelled: false }
    this.#switching = switching
    const fault = simulation.options.faults?.switch?.(plan, ++this.#switches)
    const fail = (cause: string, stage: SwitchStage, restored: boolean): void => {
      if (restored) this.disk.walkedTo = undefined
      const transient = fault?.transient === true
      this.done(id, {
        of: 'switchHost',
        ok: false,
        cause,
        transient,
        stage,
        restored,
        stateVersion: this.disk.meta?.current
      })
    }
    const isTakenOver =
      purpose === 'commit' || plan.goBack === 'exact' || plan.steps.some(step => step.transform === 'mapping')
    const stages: SwitchStage[] = isTakenOver
      ? ['activated']
      : ['spawned', 'loaded', 'holding', 'drained', 'closed', 'opened', 'transforming', 'transformed', 'activated']
    // Of several steps each but the last is kept beside the state that `meta` names.
    const passed = plan.steps.slice(0, -1).filter(step => step.to > (this.disk.walkedTo ?? 0))
    if (!isTakenOver) stages.splice(stages.indexOf('transformed'), 0, ...passed.map(() => 'transforming' as const))
    const advance = (i: number): void => {
      const stage = stages[i]
      if (stage === 'transforming' && stages[i + 1] === 'transforming') this.disk.walkedTo = passed.shift()?.to
      if (stage === undefined) return this.#serve(id, plan)
      if (fault?.stage === stage) {
        if (fault.moved === true) this.#moveTo(metaOf(plan, (this.disk.meta?.generation ?? 0) + 1))
        return fail(fault.cause, stage, fault.restored ?? true)
      }
      // Until the pointer moves there is always a way to stop.
      if (switching.cancelled && (stage === 'transforming' || stage === 'transformed'))
        return fail('cancelled', stage, true)
      // The one synced batch that moves the pointer.
      if (stage === (isTakenOver ? 'activated' : 'transformed'))
        this.#moveTo(metaOf(plan, (this.disk.meta?.generation ?? 0) + 1))
      this.input({ fact: 'switchStage', id, stage })
      simulation.later(this, 1 + simulation.random(10), () => advance(i + 1))
    }
    simulation.later(this, 1, () => advance(0))
  }

  /** What a host says when it serves; the state of a twin that is new takes its time (§8). */
  #serve(id: number, plan: HostPlan): void {
    const { simulation, disk } = this
    const twins = plan.future.filter(each => each.model === 'twin').map(each => each.revision)
    const building = twins.filter(each => !disk.twins.has(each))
    disk.twins = new Set([...disk.twins].filter(each => twins.includes(each)))
    for (const { revision, bundle } of plan.future) {
      const made = disk.futures.get(revision)
      if (made !== undefined && made !== bundle)
        throw new Error(`the future simulation object of ${revision} is given the state of another history`)
    }
    disk.futures = new Map(plan.future.map(({ revision, bundle }) => [revision, bundle]))
    disk.walkedTo = undefined
    this.done(id, { of: 'switchHost', ok: true, stateVersion: plan.object.version, building })
    if (simulation.options.scarceBundles !== undefined) this.input({ fact: 'oldStates', states: disk.old })
    for (const revision of building) {
      simulation.later(this, 50 + simulation.random(500), () => {
        // Another host would build it anew.
        if (this.state.host.plan?.plan !== plan.plan || !this.state.host.building.has(revision)) return
        disk.twins.add(revision)
        this.input({ fact: 'simulationBuilt', plan: plan.plan, revision })
      })
    }
  }

  done(id: number, outcome: Outcome): void {
    this.input({ fact: 'done', id, outcome })
  }

  /** Whether a version is settled here: the object runs it, committed, and nothing lies below. */
  isSettledAt(version: number): boolean {
    const { running, lowest, versions } = this.state
    return this.isUp && running === version && lowest === version && versions.get(version)?.phase !== 'trial'
  }

  /** Whether a version runs here for good. */
  isCommittedAt(version: number): boolean {
    const { running, versions, host } = this.state
    return this.isUp && running === version && versions.get(version)?.phase === 'committed' && host.status === 'up'
  }

  served(): readonly [number, number] | undefined {
    return routesOf(this.state).served
  }

  describe(): string {
    const phases = [...this.state.versions.values()].map(
      ({ version, phase, reason, cause }) => `v${version} ${phase} (${reason ?? cause ?? ''})`
    )
    return `${this.index} ${this.isUp ? 'up' : 'down'} runs ${this.state.running}: ${phases.join(', ')} host ${this.state.host.status} ${this.state.host.lastError ?? ''} ${this.state.damage ?? ''}`
  }
}

const eager: ScheduleDecision = { decision: 'upgrade', reason: 'eager' }

/** Eager, but for what an operator has to approve. */
function decisionOf({ schedule, inputs }: Extract<Effect, { effect: 'evaluateSchedule' }>): ScheduleDecision {
  return schedule.strategy.type !== 'manual' || inputs.approved
    ? eager
    : { decision: 'wait', reason: 'it is not approved', lookAgainAtMs: inputs.nowMs + 3_600_000 }
}

function metaOf(plan: HostPlan, generation: number): StateMeta {
  return {
    format: 1,
    network,
    current: plan.object.version,
    chainId: plan.object.chainId,
    revision: plan.object.revision,
    generation,
    spaces: { object: `g${generation}`, past: {}, future: {} }
  }
}

function describeFact(fact: Fact): string {
  switch (fact.fact) {
    case 'start':
      return `start, boot ${fact.epoch}, ${fact.entries.length} entries, state of version ${fact.found?.version ?? 'none'}`
    case 'versionTrusted':
      return `version ${fact.descriptor.version} is trusted`
    case 'announcement':
      return `a statement of another peer`
    case 'switchStage':
      return `switch ${fact.stage}`
    case 'done':
      return `${fact.outcome.of} ${fact.outcome.ok ? 'done' : `failed: ${fact.outcome.cause}`}`
    case 'operator':
      return `operator: ${fact.word} ${fact.version ?? 'all'}`
    case 'halt':
      return `version ${fact.version} is halted${fact.unload ? ', to be unloaded' : ''}`
    case 'resume':
      return `version ${fact.version} is resumed`
    case 'forked':
      return `version ${fact.version} is forked`
    case 'decided':
      return `version ${fact.version} is decided: ${fact.keep === 'none' ? 'none' : fact.keep.slice(0, 8)}`
    default:
      return fact.fact
  }
}

function describeEffect(effect: Effect): string {
  switch (effect.effect) {
    case 'persist':
      return `persist ${effect.entries.map(describeEntry).join('; ')}`
    case 'switchHost':
      return `switchHost (${effect.purpose}) to ${describePlan(effect.plan)}`
    case 'announce': {
      const { running, floor, served, versions } = effect.content
      const phases = versions
        .map(({ version, phase, reason }) => `v${version} ${phase}${reason === undefined ? '' : ` "${reason}"`}`)
        .join(', ')
      return `announce running ${running.version} floor ${floor} serves ${served?.join('..') ?? 'nothing'}${phases === '' ? '' : `: ${phases}`}`
    }
    case 'rehearse':
      return `rehearse version ${effect.version}: ${effect.plans.map(describePlan).join(', then ')}`
    case 'rehearseState':
      return `rehearse ${describePlan(effect.plan)} on a copy of the state`
    default:
      return effect.effect
  }
}

function describeEntry(entry: JournalEntry): string {
  switch (entry.type) {
    case 'joined':
      return `joined as ${entry.lineage.className} at ${entry.version}`
    case 'served':
      return `serves from ${entry.low}`
    case 'began':
      return 'began'
    case 'phase':
      return `v${entry.version} ${entry.phase}`
    case 'walk':
      return `walks from ${entry.from} to ${entry.version}`
    case 'running':
      return `runs ${entry.version}`
    case 'rehearsed':
      return `v${entry.version} rehearsed on the state of v${entry.stateVersion}`
    case 'operator':
      return `${entry.word} ${entry.version}`
    case 'policy':
      return `policy ${JSON.stringify(entry.set)}`
    case 'trial':
      return describeTrial(entry)
    case 'parked':
      return `parked after ${entry.crashes} crashes`
    case 'unparked':
      return 'unparked'
    case 'reset':
      return 'reset'
    case 'quiet':
      return `v${entry.version} quiet for ${entry.quietMs} ms`
    case 'restore':
      return `restores version ${entry.version}`
    case 'resumed':
      return `v${entry.version} has another chance`
  }
}

function describeTrial({
  version,
  beganAtMs,
  before,
  ill,
  approved,
  returns
}: Extract<JournalEntry, { type: 'trial' }>) {
  const words = [
    ...(beganAtMs === undefined ? [] : ['begins']),
    ...(before === undefined ? [] : [`has ${before.calls} calls to compare with`]),
    ...(ill === undefined ? [] : [ill === '' ? 'is judged anew' : `is ill: ${ill}`]),
    ...(approved === undefined ? [] : ['is approved']),
    ...(returns === undefined ? [] : [`has failed ${returns} times`])
  ]
  return `trial of v${version} ${words.join(', ')}`
}

function describePlan(plan: HostPlan): string {
  const past = plan.past.map(({ revision }) => `past ${revision}`)
  const future = plan.future.map(({ revision }) => `future ${revision}`)
  const steps = plan.steps.map(({ from, to }) => `${from}→${to}`)
  return [
    `object ${plan.object.version}`,
    ...past,
    ...future,
    ...(steps.length > 0 ? [`steps ${steps.join(' ')}`] : []),
    ...(plan.goBack === undefined ? [] : ['back'])
  ].join(' + ')
}

function mulberry32(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
