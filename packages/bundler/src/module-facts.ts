import {
  flawOfHealth,
  losesLengthMax,
  type Health,
  type SimulationModel,
  type StateKind,
  type TransformKind
} from '@instar/core'
import type { ClassDefinition, Contract, SimulationDefinition, UpgradeDefinition } from '@instar/simulator-runtime'
import { compareContracts, contractFacts, type ContractFacts } from './contract-facts.js'

/** What a module's default export says that belongs into a descriptor. */
export interface ModuleFacts {
  readonly kind: 'class' | 'upgrade'
  readonly newClass: string
  /** Of an upgrade: the class that it starts from. */
  readonly oldClass?: string
  readonly contract: ContractFacts
  readonly oldContract?: ContractFacts
  readonly future?: SimulationModel
  readonly past?: SimulationModel
  readonly transform: TransformKind
  /** The upgrade has a reverse transform, by which its trial can go back, and says what that loses. */
  readonly reverse?: { readonly loses: string }
  /** Of the new class. */
  readonly state: StateKind
  /** How its trial is judged (§15). */
  readonly health?: Health
  /**
   * The upgrade leaves the contract as it is, as far as {@link compareContracts} can tell, and has no simulation objects: callers of both
   * versions can be served by one façade (§6).
   */
  readonly compatible: boolean
}

/** What the inspecting process answers. */
export type InspectReply = { readonly facts: ModuleFacts } | { readonly flaw: string }

/**
 * Reads a default export by its fields, because bundles carry their own copy of the authoring functions.
 *
 * @throws TypeError that says what is missing
 */
export function factsOf(exported: unknown): ModuleFacts {
  const definition = (exported ?? {}) as Partial<ClassDefinition> | Partial<UpgradeDefinition>
  if (definition.instar !== 'class' && definition.instar !== 'upgrade')
    throw new TypeError('its default export is neither a class (defineClass) nor an upgrade (defineUpgrade)')
  if ((definition.format as number) !== 1)
    throw new TypeError(`it uses format ${String(definition.format)} of the authoring functions; this release knows 1`)
  if (definition.instar === 'class') {
    const contract = classFacts(definition)
    const state = stateOf(definition)
    return { kind: 'class', newClass: contract.name, contract, transform: 'none', state, compatible: false }
  }
  const { from, to, future, past, map } = definition as Partial<UpgradeDefinition>
  if (from === undefined || to === undefined) throw new TypeError('the upgrade lacks its `from` or its `to`')
  const contract = classFacts(to)
  if (to.directory !== undefined) assertNotTold(map, past)
  const transform = transformOf(definition as Partial<UpgradeDefinition>)
  if (to.directory !== undefined && transform === 'entries')
    throw new TypeError('a transform by entries needs managed state, and the new class has files for its state')
  const oldContract = contractFacts(from)
  return {
    kind: 'upgrade',
    newClass: contract.name,
    oldClass: oldContract.name,
    contract,
    oldContract,
    ...(future === undefined ? {} : { future: modelOf(future, to.contract, from) }),
    ...(past === undefined ? {} : { past: modelOf(past, from, to.contract) }),
    transform,
    ...reverseOf(definition as Partial<UpgradeDefinition>),
    ...healthOf(definition as Partial<UpgradeDefinition>),
    state: stateOf(to),
    compatible:
      future === undefined && past === undefined && compareContracts(oldContract, contract).difference === undefined
  }
}

function transformOf({ transform, entries, map }: Partial<UpgradeDefinition>): TransformKind {
  if (map !== undefined) return 'mapping'
  if (entries === undefined) return transform === undefined ? 'none' : 'whole'
  const functions = [entries.entries, entries.futureEntries ?? entries.entries] as readonly unknown[]
  if (functions.every(each => typeof each === 'function')) return 'entries'
  throw new TypeError('its transform is neither a function nor `{ entries, futureEntries? }` of functions')
}

/** R22: what going back loses goes into the descriptor, so it has to be said, and fit there. */
function reverseOf({ reverse, map }: Partial<UpgradeDefinition>): Pick<ModuleFacts, 'reverse'> {
  if (reverse === undefined) return {}
  if (map !== undefined) throw new TypeError('a twin goes back exactly: it has no reverse transform')
  const { transform, entries, loses } = reverse as Partial<NonNullable<UpgradeDefinition['reverse']>>
  const functions: readonly unknown[] =
    entries === undefined ? [transform] : [entries.entries, entries.pastEntries ?? entries.entries]
  if (!functions.every(each => typeof each === 'function'))
    throw new TypeError('its reverse transform is neither a function nor `{ entries, pastEntries? }` of functions')
  if (typeof loses !== 'string' || loses.trim() === '' || loses.length > losesLengthMax)
    throw new TypeError(
      `its reverse transform has to say what it loses (\`loses\`), in at most ${losesLengthMax} characters`
    )
  return { reverse: { loses } }
}

/** §15: what nobody could judge by is found out here, and not when the upgrade is on trial. */
function healthOf({ health }: Partial<UpgradeDefinition>): Pick<ModuleFacts, 'health'> {
  if (health === undefined) return {}
  const flaw = flawOfHealth(health)
  if (flaw !== undefined) throw new TypeError(`its health policy is none: ${flaw}`)
  return { health }
}

function stateOf({ directory }: Partial<ClassDefinition>): StateKind {
  return directory === undefined ? 'managed' : 'directory'
}

/** §8: files change in no step with anything else, so nobody can be told of a command in its step. */
function assertNotTold(map: unknown, past: SimulationDefinition | undefined): void {
  if (map !== undefined) throw new TypeError('a twin needs managed state, and the new class has files for its state')
  if (past?.model === 'shadowed')
    throw new TypeError(
      'a shadowed past simulation object cannot stand on a class whose state are files: only a direct one or an interceptor can'
    )
}

function classFacts({ contract, implementation }: Partial<ClassDefinition>): ContractFacts {
  if (contract === undefined) throw new TypeError('the class has no contract')
  assertImplements(contract, implementation, {})
  return contractFacts(contract)
}

function modelOf(simulation: SimulationDefinition, serves: Contract, delegate: Contract): SimulationModel {
  const { model, implementation, instead, disallow } = simulation
  assertImplements(serves, implementation, disallow)
  if (model === 'interceptor') assertImplements(delegate, instead, {})
  if (model === 'shadowed' || model === 'twin')
    assertShadows(delegate, implementation.prototype as Record<string, unknown>)
  return model
}

/** §7: a shadow for every command of the delegate, and none for what does not exist. The compiler says so to authors who ask it. */
function assertShadows(delegate: Contract, prototype: Record<string, unknown>): void {
  const commands = Object.keys(delegate.methods).filter(name => delegate.methods[name]?.kind === 'command')
  for (const name of commands) {
    if (typeof prototype[`$${name}`] !== 'function')
      throw new TypeError(
        `a simulation object that is told of calls lacks the shadow $${name} for ${delegate.name}.${name} (R9)`
      )
  }
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name.startsWith('$') && !commands.includes(name.slice(1)))
      throw new TypeError(`${delegate.name} has no command for the shadow ${name}`)
  }
}

/** R6: whoever serves a contract implements the whole of it, or disallows by declaration. */
function assertImplements(
  contract: Contract,
  implementation: unknown,
  disallow: Readonly<Record<string, string>>
): void {
  const prototype = (implementation as { prototype?: Record<string, unknown> } | undefined)?.prototype
  for (const name of Object.keys(contract.methods)) {
    if (typeof prototype?.[name] !== 'function' && disallow[name] === undefined)
      throw new TypeError(`a class lacks the method ${name} of the contract ${contract.name} (R6)`)
  }
}
