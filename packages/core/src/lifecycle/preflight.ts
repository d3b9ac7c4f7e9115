import type { ClassUpgrade } from '../descriptor/descriptor.js'
import { canRunOn, type Needs } from '../descriptor/needs.js'
import { canRun } from '../descriptor/runtime.js'
import { codeOfPlan, type CodeRef, type HostPlan } from '../host-plan/host-plan.js'
import { entryOf, upgradeAt } from '../version-log/version-log.js'
import { wantBundle } from './bundles.js'
import { backoffMs } from './config.js'
import { planOf } from './goal.js'
import { beforeIn } from './history.js'
import type { Lack, MachineFacts, PreflightStep } from './machine.js'
import { rehearsalOf } from './rehearse-state.js'
import type { PeerState, VersionProgress } from './state.js'
import { nextEffectId, wakeAtMono, type Turn } from './turn.js'

// Never begin what cannot end here: before a version is fetched, before it is introduced and again before its upgrade, the peer asks
// what its machine has and holds that against what the step takes. What lacks is said, in the phase in which the peer then stays, and
// looked at again with a growing pause, so that a disk that was cleared is noticed without a restart.

/** `clear`: it can go on. `asked`: the machine is being measured, and the next step tells. */
export type Preflight = 'clear' | 'asked' | { readonly lacks: string }

/** Facts serve every question that is asked within this time; nothing that is judged here changes within it for a reason. */
const factsFreshMs = 5_000

/** Beside what a step builds: for the journal, a bundle, and what a database writes before it can remove. */
const spareDiskBytes = 8 * 1024 * 1024

/** What one more host process takes before it has any state. */
const hostMemoryBytes = 64 * 1024 * 1024

/** Asks whether this machine has what the next step of a version takes, and remembers what it lacks. */
export function preflight(turn: Turn, progress: VersionProgress, step: PreflightStep): Preflight {
  const answer = judge(turn, progress, step)
  // What another step asks for less of says nothing of what this one waits for.
  if (answer === 'clear' && progress.lack?.step === step) progress.lack = undefined
  return answer
}

function judge(turn: Turn, progress: VersionProgress, step: PreflightStep): Preflight {
  const { state, now } = turn
  const { version } = progress
  // §16: a peer that is too old for a version says so; it never passes for up to date. Only a new start of the peer can mend that.
  const { runtime } = entryOf(state.log, version).descriptor
  if (!canRun(runtime, state.config.instar))
    return { lacks: `it needs Instar ${runtime}, and this peer runs ${state.config.instar}: update Instar here` }
  const upgrade = state.lineage === undefined ? undefined : upgradeAt(state.log, state.lineage, version)
  if (upgrade === undefined || !asksMachine(upgrade, step)) return 'clear'
  const { facts, measuredMonoMs } = state.machine
  const lookAtMono = measuredMonoMs + pauseMs(state, progress.lack)
  if (facts === undefined || now.monoMs >= lookAtMono) {
    measure(turn, version, step)
    return progress.lack === undefined ? 'asked' : { lacks: progress.lack.words }
  }
  const lacking = [...lacksOf(facts, upgrade, step, state, progress), ...lostBundles(turn, version, step)]
  if (lacking.length === 0) return 'clear'
  const lacks = `this machine cannot take it now: ${lacking.join('; ')}`
  if (progress.lack?.measuredMonoMs !== measuredMonoMs)
    progress.lack = { words: lacks, times: (progress.lack?.times ?? 0) + 1, step, measuredMonoMs }
  wakeAtMono(turn, measuredMonoMs + pauseMs(state, progress.lack))
  return { lacks }
}

/** Nothing is built or started by fetching; only a version that will never run here is not worth it. */
function asksMachine({ needs }: ClassUpgrade, step: PreflightStep): boolean {
  return step !== 'fetch' || needs?.platforms !== undefined || needs?.node !== undefined
}

/** How long a measurement counts: longer the more often it has said no. */
function pauseMs({ config: { timing } }: PeerState, lack: Lack | undefined): number {
  return lack === undefined ? factsFreshMs : Math.min(backoffMs(timing, lack.times), timing.lookEveryMs)
}

function measure(turn: Turn, version: number, step: PreflightStep): void {
  const { machine } = turn.state
  if (machine.measuring !== undefined) return
  machine.measuring = nextEffectId(turn)
  turn.effects.push({
    effect: 'preflight',
    id: machine.measuring,
    version,
    code: step === 'upgrade' ? codeToCome(turn.state, version) : []
  })
}

export function measured({ state, now }: Turn, facts: MachineFacts): void {
  state.machine = { measuring: undefined, facts, measuredMonoMs: now.monoMs }
}

/** Everything that the machine has too little of, one phrase each. */
function lacksOf(
  facts: MachineFacts,
  upgrade: ClassUpgrade,
  step: PreflightStep,
  state: PeerState,
  progress: VersionProgress
): string[] {
  const needs: Needs = upgrade.needs ?? {}
  const lacks: string[] = []
  if (needs.platforms !== undefined && !needs.platforms.includes(facts.platform))
    lacks.push(`it runs on ${needs.platforms.join(', ')}, and this is ${facts.platform}`)
  if (needs.node !== undefined && !canRunOn(facts.node, needs.node))
    lacks.push(`it needs Node ${needs.node}, and this is ${facts.node}`)
  if (step === 'fetch') return lacks
  const diskBytes = diskNeed(facts, upgrade, step, state, progress)
  if (facts.freeDiskBytes !== undefined && facts.freeDiskBytes < diskBytes)
    lacks.push(`its disk has ${sizeWords(facts.freeDiskBytes)} free, and this takes ${sizeWords(diskBytes)}`)
  const memoryBytes = memoryNeed(upgrade)
  if (facts.freeMemoryBytes !== undefined && facts.freeMemoryBytes < memoryBytes)
    lacks.push(`it has ${sizeWords(facts.freeMemoryBytes)} of memory free, and this takes ${sizeWords(memoryBytes)}`)
  return lacks
}

/**
 * What must be free on disk: room for the state that the step builds. That is what its rehearsal took, and as much as the state of now where
 * there was none; never less than its author knows. In a walk a state is built from one that is not let go of before.
 */
function diskNeed(
  facts: MachineFacts,
  upgrade: ClassUpgrade,
  step: Exclude<PreflightStep, 'fetch'>,
  state: PeerState,
  progress: VersionProgress
): number {
  if (!buildsState(upgrade, step)) return spareDiskBytes
  const reckoned = Math.ceil((facts.stateBytes ?? 0) / statesKept(state.host.plan))
  const built = rehearsalOf(state, progress)?.diskBytes ?? reckoned
  return Math.max(built, upgrade.needs?.diskBytes ?? 0) * statesAtOnce(state, progress.version) + spareDiskBytes
}

function statesAtOnce({ walk, log, lineage }: PeerState, version: number): number {
  if (walk === undefined || lineage === undefined || version <= walk.from || version > walk.to) return 1
  let built = 0
  for (let each = walk.from + 1; each <= walk.to; each++) {
    const upgrade = upgradeAt(log, lineage, each)
    if (upgrade !== undefined && upgrade.transform !== 'none') built++
  }
  return Math.min(2, Math.max(1, built))
}

/** A twin is built at introduction, everything else at the upgrade; so is the copy that going back takes where nothing is built (§8). */
function buildsState({ transform, back }: ClassUpgrade, step: PreflightStep): boolean {
  if (transform === 'mapping') return step === 'introduce'
  return step === 'upgrade' && (transform !== 'none' || back === 'copy')
}

/** How many whole states lie on the disk already. */
function statesKept(plan: HostPlan | undefined): number {
  const simulated = plan === undefined ? [] : [...plan.past, ...plan.future]
  return 1 + simulated.filter(each => each.model === 'twin').length
}

function memoryNeed({ needs }: ClassUpgrade): number {
  return Math.max(hostMemoryBytes, (needs?.memoryMiB ?? 0) * 1024 * 1024)
}

/** Bundles that the upgrade is going to load and that are not whole here any more; they are fetched again. */
function lostBundles(turn: Turn, version: number, step: PreflightStep): string[] {
  if (step !== 'upgrade') return []
  const bundles = new Set(codeToCome(turn.state, version).map(each => each.bundle))
  return [...bundles].flatMap(id => {
    const bundle = wantBundle(turn, id)
    return bundle.status === 'ready'
      ? []
      : [
          `the bundle ${id.slice(0, 12)}… is not here and is fetched again${bundle.cause === undefined ? '' : ` (${bundle.cause})`}`
        ]
  })
}

function codeToCome(state: PeerState, version: number): readonly CodeRef[] {
  const low = beforeIn(state, version)
  return codeOfPlan(planOf(state, { object: version, high: version, low, goBack: false }, 0))
}

/** Two digits are enough: what is said is announced, and must not change with every byte. */
function sizeWords(bytes: number): string {
  let size = bytes / (1024 * 1024)
  let unit = 'MiB'
  if (size >= 1000) {
    size /= 1024
    unit = 'GiB'
  }
  return `${size >= 10 ? Math.round(size) : Math.round(size * 10) / 10} ${unit}`
}
