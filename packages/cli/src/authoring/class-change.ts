import type { ModuleFacts } from '@instar/bundler'
import { InstarError, type ClassUpgrade, type Health, type StateKind } from '@instar/core'
import type { BuiltClass } from './build-class.js'
import type { RunningContract } from './running-contracts.js'

/** What a module changes of a class: the part of a descriptor that follows from code. */
export interface ClassChange {
  readonly fields: Pick<
    ClassUpgrade,
    'oldClass' | 'newClass' | 'compatible' | 'future' | 'past' | 'transform' | 'state'
  >
  /** It can go back by a reverse transform, which loses this. */
  readonly reverse?: { readonly loses: string }
  /** How its trial is judged (§15): what the module says. */
  readonly health?: Health
  /** What the author may have overlooked, or has to vouch for, one sentence each. */
  readonly hints: readonly string[]
}

/** @throws InstarError `BadInput` when the module upgrades nothing that the network has, or is not as compatible as it is to be */
export function changeOf(
  { facts, source }: BuiltClass,
  known: ReadonlyMap<string, StateKind>,
  compatible: boolean,
  version?: number
): ClassChange {
  const { newClass, oldClass, future, past, transform, state } = facts
  if (oldClass === undefined && known.has(newClass))
    throw new InstarError(
      'BadInput',
      `The network has the class ${newClass} already: export an upgrade of it from ${source} (defineUpgrade), or patch it (instar upgrade patch).`
    )
  if (oldClass !== undefined && !known.has(oldClass))
    throw new InstarError(
      'BadInput',
      `${source} upgrades the class ${oldClass}, which ${version === undefined ? 'the newest version of the network' : `version ${version}`} has not; it has ${[...known.keys()].join(', ')}.`
    )
  if (oldClass !== undefined) assertStateFits(source, facts, known.get(oldClass))
  if (compatible && !facts.compatible)
    throw new InstarError('BadInput', `${source} changes the contract or has simulation objects: it is not compatible.`)
  const hint = `${source} changes no method and has no simulation objects: unless you add --compatible, each version is served only where it runs.`
  return {
    fields: {
      ...(oldClass === undefined ? {} : { oldClass }),
      newClass,
      compatible,
      ...(future === undefined ? {} : { future }),
      ...(past === undefined ? {} : { past }),
      transform,
      state
    },
    ...(facts.reverse === undefined ? {} : { reverse: facts.reverse }),
    ...(facts.health === undefined ? {} : { health: facts.health }),
    hints: facts.compatible && !compatible ? [hint] : []
  }
}

/** New code for a class that is there (§6). @throws InstarError `BadInput` unless the module is a class of the same contract */
export async function patchOf(
  { facts, source }: BuiltClass,
  contractOf: (className: string) => Promise<RunningContract>
): Promise<ClassChange> {
  const { compareContracts } = await import('@instar/bundler')
  const { newClass, contract } = facts
  if (facts.kind !== 'class')
    throw new InstarError(
      'BadInput',
      `${source} defines an upgrade, and a patch is the new class alone (defineClass): build it with instar upgrade build.`
    )
  const before = await contractOf(newClass)
  const { difference, uncompared } = compareContracts(before.contract, contract)
  if (difference !== undefined)
    throw new InstarError(
      'BadInput',
      `${source} is no patch of ${newClass} as version ${before.version} has it: ${difference}. A changed contract needs an upgrade (defineUpgrade).`
    )
  if (facts.state !== before.state)
    throw new InstarError(
      'BadInput',
      `${source} is no patch of ${newClass}: version ${before.version} has ${kindWords[before.state]} for its state, and this one has ${kindWords[facts.state]}. That needs an upgrade with a transform (defineUpgrade).`
    )
  const count = contract.methods.length
  const compared = `The contract of ${newClass} is that of version ${before.version} in its ${count} methods, their kinds, and their validators as far as JSON Schema can say.`
  const vouched =
    uncompared.length === 0
      ? 'Conditions written in code cannot be compared: you vouch for those.'
      : `You vouch for conditions written in code, and for the validators of ${uncompared.join(', ')}, which have no JSON Schema.`
  return {
    fields: { oldClass: newClass, newClass, compatible: true, transform: 'none', state: facts.state },
    hints: [`${compared} ${vouched}`]
  }
}

/**
 * The health policy of a class upgrade: the module's, with the words of the command line instead of its own.
 *
 * @throws InstarError `BadInput` for a probe that the class cannot answer
 */
export function healthOf(
  { facts, source }: BuiltClass,
  change: ClassChange,
  said: Health | undefined
): Health | undefined {
  if (change.health === undefined && said === undefined) return undefined
  const health = { ...change.health, ...said }
  const { probe } = health
  const method = facts.contract.methods.find(each => each.name === probe?.method)
  if (probe !== undefined && method?.kind !== 'query')
    throw new InstarError(
      'BadInput',
      `${source} cannot be probed by ${probe.method}: ${facts.newClass} has no query of that name. Choose one of ${namesOfQueries(facts)}.`
    )
  return health
}

function namesOfQueries({ contract }: ModuleFacts): string {
  const names = contract.methods.filter(each => each.kind === 'query').map(each => each.name)
  return names.length === 0 ? 'none: it has no query at all' : names.join(', ')
}

const kindWords: Readonly<Record<StateKind, string>> = { managed: 'keys and values', directory: 'files' }

/** What an upgrade cannot do because of the state that it starts from (§8). The old class is known by its descriptor only. */
function assertStateFits(source: string, { future, transform, state }: ModuleFacts, old: StateKind | undefined): void {
  if (old === 'directory' && (future === 'shadowed' || future === 'twin'))
    throw new InstarError(
      'BadInput',
      `${source} has a ${future} future simulation object, and the class that it upgrades has files for its state: nobody can be told of a command in its step. Use the direct model or an interceptor.`
    )
  if (old !== undefined && old !== state && transform === 'none')
    throw new InstarError(
      'BadInput',
      `${source} goes from ${kindWords[old]} to ${kindWords[state]} and has no transform that brings the state over.`
    )
}
