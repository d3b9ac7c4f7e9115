import {
  canStand,
  InstarError,
  messageOf,
  type CodeRef,
  type HostPlan,
  type SimulationPlan,
  type UpgradeStep
} from '@instar/core'
import type { Contract } from '../../contract/contract.js'
import type { ClassDefinition, Initialize } from '../../definition/define-class.js'
import type { SimulationDefinition, Transform, UpgradeDefinition, Verify } from '../../definition/define-upgrade.js'
import type { EntriesTransform } from '../../definition/entries.js'
import type { ReverseDefinition } from '../../definition/reverse.js'
import type { Mapping } from '../../definition/twin.js'
import type { FacadeCode, FacadeMethod, ShadowMethod, ToldCode } from '../call/facade.js'
import { machineFaultIn } from './machine-fault.js'
import { ofStep } from './of-step.js'

/** Everything of a plan that is code, checked. */
export interface LoadedCode {
  readonly object: FacadeCode
  /** Nearest first, as in the plan. */
  readonly past: readonly FacadeCode[]
  readonly future: readonly FacadeCode[]
  /** By the version that the step leads to. */
  readonly steps: ReadonlyMap<number, StepCode>
  /** Of the twins among the future simulation objects, by revision: how their state is built, and what it begins with. */
  readonly mappings: ReadonlyMap<number, Mapping>
  /** By the version that is left: the way back. */
  readonly reverse: ReadonlyMap<number, ReverseCode>
}

/** One of its two functions is there. */
export type ReverseCode = Omit<ReverseDefinition, 'loses'>

export interface StepCode {
  readonly className: string
  /** None of these three: the state is carried over. */
  readonly transform: Transform | undefined
  readonly entries: EntriesTransform | undefined
  /** Of a twin. */
  readonly map: Mapping | undefined
  /** What a state begins with that is built entry by entry: the new class's, and the past simulation object's. */
  readonly initialize: Initialize | undefined
  readonly initializePast: Initialize | undefined
  /** The new class has directory state. */
  readonly ownsFiles: boolean
  readonly verify: Verify | undefined
}

/**
 * Imports every module of a plan and checks that it is what the plan needs, so that nothing can be missing once calls are held.
 *
 * @throws InstarError BundleLoadFailed naming class, version and cause
 */
export async function loadCode(plan: HostPlan, load: (ref: CodeRef) => Promise<unknown>): Promise<LoadedCode> {
  const read = <T>(ref: CodeRef, name: string, take: (definition: Definition) => T): Promise<T> =>
    readModule(ref, name, take, load)

  const object = await read(plan.object, `${plan.className} version ${plan.object.version}`, definition =>
    objectCode(definition, plan)
  )
  const past: FacadeCode[] = []
  for (const each of plan.past) {
    const name = `The past simulation object of version ${each.revision}`
    past.push(await read(each, name, definition => pastCode(definition, each, past.at(-1) ?? object)))
  }
  const future: FacadeCode[] = []
  const mappings = new Map<number, Mapping>()
  for (const each of plan.future) {
    const name = `The future simulation object of version ${each.revision}`
    future.push(await read(each, name, definition => futureCode(definition, each, future.at(-1) ?? object)))
    if (each.model === 'twin') mappings.set(each.revision, await read(each, name, mappingOf))
  }
  // Only so that it is there: it becomes the object without another process (§8).
  if (plan.wayBack?.by === 'exact') {
    await read(plan.wayBack.object, `${plan.className} version ${plan.wayBack.object.version}`, classOf)
  }
  // The same: the way back must not turn out to be missing when it is needed.
  if (plan.wayBack?.by === 'transform') {
    await read(plan.object, `The way back from version ${plan.object.version}`, reverseOf)
  }
  assertStands(past, [], plan)
  assertStands(future, past, plan)
  if (object.directory !== undefined) assertNotTold([...past, ...future], plan)
  const steps = new Map<number, StepCode>()
  for (const step of plan.steps) {
    try {
      steps.set(step.to, await loadStep(step, load))
    } catch (error) {
      throw ofStep(error, step.to)
    }
  }
  const reverse = new Map<number, ReverseCode>()
  for (const step of plan.reverse ?? []) {
    const code = await read(step, `The way back from version ${step.from}`, reverseOf)
    if (code.entries !== undefined && object.directory !== undefined)
      throw new InstarError(
        'BundleLoadFailed',
        `The way back from version ${step.from} of ${plan.className} is by entries, and the class that it leads to has files for its state.`
      )
    reverse.set(step.from, code)
  }
  return { object, past, future, steps, mappings, reverse }
}

/** The code of one step. @throws InstarError BundleLoadFailed */
export function loadStep(step: UpgradeStep, load: (ref: CodeRef) => Promise<unknown>): Promise<StepCode> {
  return readModule(step, `The upgrade to version ${step.to}`, definition => stepCode(definition, step), load)
}

async function readModule<T>(
  ref: CodeRef,
  name: string,
  take: (definition: Definition) => T,
  load: (ref: CodeRef) => Promise<unknown>
): Promise<T> {
  try {
    return take(toDefinition(await load(ref)))
  } catch (error) {
    const fault = machineFaultIn(error)
    if (fault !== undefined)
      throw new InstarError(
        'BundleUnavailable',
        `${name} cannot be read from ${ref.entry} of bundle ${ref.bundle.slice(0, 12)} now: ${messageOf(fault)}`,
        { detail: { bundle: ref.bundle, entry: ref.entry }, cause: error }
      )
    throw new InstarError(
      'BundleLoadFailed',
      `${name} cannot be loaded from ${ref.entry} of bundle ${ref.bundle.slice(0, 12)}: ${messageOf(error)}`,
      {
        detail: { bundle: ref.bundle, entry: ref.entry },
        cause: error
      }
    )
  }
}

type Definition = ClassDefinition | UpgradeDefinition

/** Bundles carry their own copy of the authoring functions, so a definition is known by its fields. */
function toDefinition(exported: unknown): Definition {
  const definition = exported as { instar?: unknown; format?: unknown } | null | undefined
  const instar = definition?.instar
  if (instar !== 'class' && instar !== 'upgrade') {
    throw new TypeError('its default export is neither a class (defineClass) nor an upgrade (defineUpgrade)')
  }
  if (definition?.format !== 1)
    throw new TypeError(`it uses format ${String(definition?.format)} of the authoring functions; this release knows 1`)
  return exported as Definition
}

function classOf(definition: Definition): ClassDefinition {
  return definition.instar === 'class' ? definition : definition.to
}

function mappingOf(definition: Definition): Mapping {
  const { map, to } = upgradeOf(definition)
  if (to.directory !== undefined)
    throw new TypeError('the upgrade is a twin, and its new class has files for its state')
  if (typeof map !== 'function') throw new TypeError('the upgrade is a twin without a mapping function')
  return map
}

function objectCode(definition: Definition, plan: HostPlan): FacadeCode {
  const code = classOf(definition)
  if (code.contract.name !== plan.className) {
    throw new TypeError(`the descriptor calls the class ${plan.className}, the code calls it ${code.contract.name}`)
  }
  const facade = facadeCode(
    code.contract,
    { model: 'direct', disallow: {}, ...code, implementation: code.implementation },
    {
      revision: plan.object.revision,
      version: plan.object.version,
      role: 'object',
      model: 'direct',
      standsIn: undefined
    }
  )
  return { ...facade, directory: code.directory }
}

function pastCode(definition: Definition, plan: SimulationPlan, delegate: FacadeCode): FacadeCode {
  const upgrade = upgradeOf(definition)
  if (upgrade.past === undefined) throw new TypeError('the upgrade has no past simulation object')
  return simulationCode(upgrade, upgrade.past, upgrade.from, upgrade.to.contract, plan, 'past', delegate)
}

function futureCode(definition: Definition, plan: SimulationPlan, delegate: FacadeCode): FacadeCode {
  const upgrade = upgradeOf(definition)
  if (upgrade.future === undefined) throw new TypeError('the upgrade has no future simulation object')
  return simulationCode(upgrade, upgrade.future, upgrade.to.contract, upgrade.from, plan, 'future', delegate)
}

function simulationCode(
  upgrade: UpgradeDefinition,
  code: SimulationDefinition,
  serves: Contract,
  delegateContract: Contract,
  { revision, model }: SimulationPlan,
  role: 'past' | 'future',
  delegate: FacadeCode
): FacadeCode {
  if (code.model !== model) throw new TypeError(`the descriptor promises a ${model} one, the code is ${code.model}`)
  assertServes(delegate, delegateContract)
  const place = { revision, version: revision, role, model, standsIn: undefined }
  const facade = facadeCode(serves, code, place)
  if (model === 'direct') return facade
  if (model === 'shadowed') return { ...facade, told: toldOf(code, delegateContract) }
  if (model === 'twin') {
    const other = role === 'past' ? upgrade.future : upgrade.past
    if (other?.model !== 'twin') throw new TypeError('it is a twin on one side only')
    return { ...facade, told: toldOf(code, delegateContract), tells: toldOf(other, serves) }
  }
  if (code.instead === undefined) throw new TypeError('it is an interceptor without `instead`')
  const instead = facadeCode(
    delegateContract,
    { model, implementation: code.instead, disallow: {} },
    { ...place, revision: delegate.revision, version: delegate.version, standsIn: revision }
  )
  return { ...facade, instead }
}

/** §7: one for every command of the delegate, and no others: a misspelt shadow would never run. */
function toldOf(code: SimulationDefinition, delegate: Contract): ToldCode {
  const prototype = code.implementation.prototype as Record<string, unknown>
  const shadows = new Map<string, ShadowMethod>()
  for (const [name, { kind }] of Object.entries(delegate.methods)) {
    const shadow = prototype[`$${name}`]
    if (kind !== 'command') continue
    if (typeof shadow !== 'function') throw new TypeError(`its class lacks the shadow $${name}`)
    shadows.set(name, shadow as ShadowMethod)
  }
  return { implementation: code.implementation as unknown as ToldCode['implementation'], shadows }
}

/** §7: whoever has to be told of calls stands only where it is told. The peer plans nothing else; a simulation object cannot know. */
function assertStands(side: readonly FacadeCode[], across: readonly FacadeCode[], plan: HostPlan): void {
  const models = side.map(each => each.model)
  const other = across.map(each => each.model)
  for (const [i, { model, revision, role }] of side.entries()) {
    if (canStand(model, models.slice(0, i), other)) continue
    throw new InstarError(
      'BundleLoadFailed',
      `The ${role} simulation object of version ${revision} of ${plan.className} (${model}) cannot stand where the plan has it: nobody would tell it of calls.`
    )
  }
}

/** §8: nothing happens to files in one step with anything else, so nobody can be told of a command in its step. */
function assertNotTold(simulations: readonly FacadeCode[], plan: HostPlan): void {
  const told = simulations.find(each => each.model === 'shadowed' || each.model === 'twin')
  if (told === undefined) return
  throw new InstarError(
    'BundleLoadFailed',
    `The ${told.role} simulation object of version ${told.revision} of ${plan.className} (${told.model}) cannot stand on a class whose state are files: only direct ones and interceptors can.`
  )
}

function stepCode(definition: Definition, step: UpgradeStep): StepCode {
  // A patch: the same contract by a new class, which takes the state as it is.
  if (definition.instar === 'class' && step.transform === 'none' && step.fromRevision === step.toRevision)
    return { ...carriedOver, className: definition.contract.name, ownsFiles: definition.directory !== undefined }
  const { transform, entries, to, past, verify } = upgradeOf(definition)
  const code: StepCode = {
    ...carriedOver,
    className: to.contract.name,
    initialize: to.initialize,
    initializePast: past?.initialize,
    ownsFiles: to.directory !== undefined,
    verify
  }
  switch (step.transform) {
    case 'none':
      return code
    case 'mapping':
      return { ...code, map: mappingOf(definition) }
    case 'whole':
      if (typeof transform === 'function') return { ...code, transform }
      throw new TypeError('the descriptor promises a transform, the upgrade has none')
    case 'entries':
      if (typeof entries?.entries !== 'function')
        throw new TypeError('the descriptor promises a transform by entries, the upgrade has none')
      if (code.ownsFiles) throw new TypeError('the transform is by entries, and the new class has files for its state')
      return { ...code, entries }
  }
}

function reverseOf(definition: Definition): ReverseCode {
  const { reverse } = upgradeOf(definition)
  if (typeof reverse?.transform === 'function' || typeof reverse?.entries?.entries === 'function') return reverse
  throw new TypeError('the descriptor promises a reverse transform, the upgrade has none')
}

const carriedOver = {
  transform: undefined,
  entries: undefined,
  map: undefined,
  initialize: undefined,
  initializePast: undefined,
  verify: undefined
}

function upgradeOf(definition: Definition): UpgradeDefinition {
  if (definition.instar !== 'upgrade') throw new TypeError('it defines a class, where an upgrade is needed')
  return definition
}

/** An SO written for another neighbour would call methods that are not there (SO code knows two adjacent versions). */
function assertServes(delegate: FacadeCode, contract: Contract): void {
  for (const [name, method] of Object.entries(contract.methods)) {
    const served = delegate.methods.get(name)
    if (served === undefined) {
      throw new TypeError(
        `it was written for a neighbour with the method ${name}, which ${delegate.className} version ${delegate.revision} has not`
      )
    }
    if (served.kind !== method.kind) {
      throw new TypeError(
        `it takes ${name} for a ${method.kind}; ${delegate.className} version ${delegate.revision} has it as a ${served.kind}`
      )
    }
  }
}

function facadeCode(
  contract: Contract,
  code: SimulationDefinition,
  place: Pick<FacadeCode, 'revision' | 'version' | 'role' | 'model' | 'standsIn'>
): FacadeCode {
  if (typeof code.implementation !== 'function') throw new TypeError('its implementation is no class')
  const prototype = code.implementation.prototype as Record<string, unknown>
  const methods = new Map<string, FacadeMethod>()
  for (const [name, method] of Object.entries(contract.methods)) {
    // Shadows and what every object answers by itself are named so.
    if (name.startsWith('$'))
      throw new TypeError(`the contract ${contract.name} has a method ${name}: no name begins with $`)
    const run = prototype[name]
    const disallowed = code.disallow[name]
    if (typeof run !== 'function' && disallowed === undefined) {
      throw new TypeError(`its class lacks the method ${name} of the contract ${contract.name} (R6)`)
    }
    methods.set(name, {
      name,
      kind: method.kind,
      input: method.input['~standard'],
      output: method.output['~standard'],
      disallowed,
      run: run as FacadeMethod['run']
    })
  }
  return {
    ...place,
    className: contract.name,
    implementation: code.implementation as unknown as FacadeCode['implementation'],
    methods,
    told: undefined,
    tells: undefined,
    instead: undefined,
    initialize: code.initialize,
    readEntry: code.readEntry,
    directory: undefined
  }
}
