import fc from 'fast-check'
import { seededRandom } from '../../host/call/seeded-random.js'
import { accepts, generatorsOf, type ArgumentsByMethod, type Generators } from '../arguments/arguments-of.js'
import { show } from '../plain-values.js'
import { contractOf, revisionOf, type Lineage } from '../versions.js'
import { Life, type Call, type History, type LifeEvent, type Step } from './steps.js'

/** Makes histories of one lineage; the same number gives the same history. */
export interface HistorySource {
  history(number: number): History
  /** Commands of one version, to be tried. */
  commands(version: number): readonly Call[]
}

const poolSize = 60
const probesPerQuery = 8
const stepsMin = 4
const stepsMax = 50

/** @throws TypeError naming the methods whose arguments the author has to give */
export function createHistorySource(lineage: Lineage, given: ArgumentsByMethod, seed: number): HistorySource {
  const pools = lineage.versions.map((_, i) => poolOf(lineage, i + 1, given, seed))
  return {
    history: number => generate(lineage, pools, seededRandom(mix(seed, number))),
    commands: version => pools[version - 1]?.commands.flatMap(each => each.calls) ?? []
  }
}

interface MethodPool {
  readonly method: string
  readonly calls: readonly Call[]
}

interface Pool {
  readonly commands: readonly MethodPool[]
  readonly queries: readonly MethodPool[]
}

function poolOf(lineage: Lineage, version: number, given: ArgumentsByMethod, seed: number): Pool {
  const contract = contractOf(lineage, version)
  const revisions = [...lineage.classes.keys()]
  const own = revisions.indexOf(revisionOf(lineage, version))
  const specifications = [revisions[own], revisions[own + 1]].map(to => lineage.specifications.get(to ?? 0))
  const fromSpecifications = Object.assign({}, ...specifications.map(each => each?.init.arguments)) as ArgumentsByMethod
  const generators = generatorsOf(contract, { ...fromSpecifications, ...given })
  const commands: MethodPool[] = []
  const queries: MethodPool[] = []
  for (const [method, { kind }] of Object.entries(contract.methods)) {
    // Not atomic: what it comes to between the calls of others, no reference can say (§9). Its commands are called by themselves.
    if (kind === 'flow') continue
    const calls = sample(generators, method, seed)
      .filter(args => accepts(contract.methods[method] as never, args))
      .map(args => ({ version, method, args }))
    if (calls.length === 0) {
      throw new TypeError(
        `None of ${poolSize} generated arguments is accepted by ${contract.name}.${method}: give them in the specification, as in arguments: { ${method}: fc => fc.tuple(…) }.`
      )
    }
    ;(kind === 'command' ? commands : queries).push({ method, calls })
  }
  return { commands, queries }
}

function sample(generators: Generators, method: string, seed: number): ReadonlyArray<readonly unknown[]> {
  const arbitrary = generators.get(method)
  return arbitrary === undefined ? [] : fc.sample(arbitrary, { numRuns: poolSize, seed })
}

function generate(lineage: Lineage, pools: readonly Pool[], random: () => number): History {
  const newest = lineage.versions.length
  // A peer that joins late begins as the newest version, and serves the others all the same.
  const start = random() < 0.12 ? newest : 1
  const life = new Life(lineage, start)
  const length = stepsMin + Math.floor(random() * (stepsMax - stepsMin))
  const eventShare = 0.05 + random() * 0.2
  // Some histories keep to one version's calls: what only that version did must never have been forgotten.
  const only = random() < 0.15 ? 1 + Math.floor(random() * newest) : undefined
  const aim: Aim = { random, at: undefined }
  const steps: Step[] = []
  while (steps.length < length) {
    // Versions meet where several are served: until then, events come sooner.
    const share = life.high === life.low ? 3 * eventShare : eventShare
    const event = random() < share || !served(life, only).length ? pickEvent(life, random) : undefined
    if (event !== undefined) {
      life.take(event)
      steps.push(event)
    } else {
      const versions = served(life, only)
      if (versions.length === 0) break
      steps.push(callStep(pools, life, versions, aim))
    }
  }
  return { start, steps, probes: probesOf(pools, aim) }
}

function served(life: Life, only: number | undefined): readonly number[] {
  const all = Array.from({ length: life.high - life.low + 1 }, (_, i) => life.low + i)
  return only === undefined ? all : all.filter(version => version === only)
}

function pickEvent(life: Life, random: () => number): LifeEvent {
  const isAhead = life.high > life.current
  const weights: Array<[number, LifeEvent]> = [
    [4, { event: 'introduce' }],
    [0.7, { event: 'withdraw' }],
    [isAhead ? 3 : 0.7, { event: 'upgrade', by: 1 }],
    [0.7, { event: 'upgrade', by: 2 }],
    [1.5, { event: 'goBack' }],
    [2, { event: 'commit' }],
    [0.7, { event: 'retire' }],
    [0.7, { event: 'restart' }],
    [1, { event: 'crash' }]
  ]
  return pickWeighted(
    weights.filter(([, event]) => life.allows(event)),
    random
  )
}

/** Calls of one history aim at one thing again and again: mistakes show where several calls meet on it. */
interface Aim {
  readonly random: () => number
  /** The first argument of calls before, as text. */
  at: string | undefined
}

const aimedShare = 0.6

function callStep(pools: readonly Pool[], life: Life, versions: readonly number[], aim: Aim): Step {
  const { random } = aim
  const pool = pools[pick(versions, random) - 1] as Pool
  const isCommand = pool.queries.length === 0 || (pool.commands.length > 0 && random() < 0.85)
  const call = pickCall(isCommand ? pool.commands : pool.queries, aim)
  if (!isCommand || random() > 0.2) return { call }
  const beside = pools[pick(served(life, undefined), random) - 1] as Pool
  return beside.queries.length === 0 ? { call } : { call, beside: pickCall(beside.queries, aim) }
}

function probesOf(pools: readonly Pool[], aim: Aim): readonly Call[] {
  return pools.flatMap(({ queries }) =>
    queries.flatMap(({ calls }) => {
      const distinct = new Map<string, Call>()
      for (let i = 0; i < 2 * probesPerQuery && distinct.size < probesPerQuery; i++) {
        const call = pickAimed(calls, aim)
        distinct.set(show(call.args), call)
      }
      return [...distinct.values()]
    })
  )
}

function pickCall(pools: readonly MethodPool[], aim: Aim): Call {
  const call = pickAimed(pick(pools, aim.random).calls, aim)
  if (aim.at === undefined || aim.random() < 0.1) aim.at = call.args.length === 0 ? aim.at : show(call.args[0])
  return call
}

function pickAimed(calls: readonly Call[], { random, at }: Aim): Call {
  if (at === undefined || random() > aimedShare) return pick(calls, random)
  const aimed = calls.filter(({ args }) => args.length > 0 && show(args[0]) === at)
  return pick(aimed.length === 0 ? calls : aimed, random)
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T
}

function pickWeighted<T>(from: ReadonlyArray<readonly [number, T]>, random: () => number): T {
  let left = random() * from.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, each] of from) {
    left -= weight
    if (left < 0) return each
  }
  return from[0]?.[1] as T
}

function mix(seed: number, number: number): number {
  return (Math.imul(seed ^ (number + 0x9e3779b9), 0x85ebca6b) >>> 0) / 0x1_0000_0000
}
