import { InstarError, type HostPlan, type StateMeta, type StateSpaces, type UpgradeStep } from '@instar/core'
import type { FacadeCode } from '../call/facade.js'
import { deleteOtherDirectories, makeDirectory, openDirectory, syncDirectory } from '../directory/directories.js'
import { Layer } from '../state/layer.js'
import { wentBack } from '../twin/relabel.js'
import { initialState } from './initial-state.js'
import { keep, keepObject, keepOutgrown } from './kept-states.js'
import { markDirectory, readMeta, type StoredMeta } from './meta.js'
import { deleteOtherSpaces, prefixOf, spaceNamer, spacesOf } from './spaces.js'
import { takeBack } from './take-back.js'
import { takeStep, write, type BringInit } from './take-step.js'
import { underWay, walkedSoFar, withoutWalked } from './walk.js'

/**
 * Makes the database hold what the plan serves, and says what it holds.
 *
 * Every change is one synced batch that writes `meta` together with whatever it makes true (§10). Killed before it, the next start does the
 * same again from the same state (R13); killed after it, the next start finds it done. So each of these steps may be the last one that
 * this process takes: fresh state, one upgrade of several, the way back, façades that come or go.
 */
export async function bringToPlan(init: BringInit): Promise<StateMeta> {
  const { plan } = init
  const stored = await readMeta(init.db, init.directory)
  if (stored !== undefined && stored.meta.network !== init.network) {
    throw new InstarError(
      'WrongNetwork',
      `The state in ${init.directory} belongs to network ${stored.meta.network.slice(0, 12)}, not to ${init.network.slice(0, 12)}.`,
      {
        detail: { directory: init.directory }
      }
    )
  }
  let now: StoredMeta
  if (stored === undefined) {
    now = await beginState(init)
  } else {
    await markDirectory(init.directory)
    now = plan.goBack !== undefined ? await goBack(init, stored) : await upgrade(init, stored)
    // Calls will change the state from here on: what was built of it is not its image any more.
    if (now.meta.prepared !== undefined || now.meta.walked !== undefined)
      now = await write(init, { ...now, meta: withoutWalked(withoutPrepared(now.meta)) })
  }
  assertAgrees(init, now)
  if (init.code.object.directory !== undefined) await openDirectory(init.directory, now.meta.spaces.object)
  return (await conformFacades(init, now)).meta
}

async function beginState(init: BringInit): Promise<StoredMeta> {
  const { plan, code } = init
  const name = spaceNamer(1, init.random)
  const future = code.future.filter(each => each.model !== 'twin')
  const meta: StateMeta = {
    format: 1,
    network: init.network,
    current: plan.object.version,
    chainId: plan.object.chainId,
    revision: plan.object.revision,
    generation: 1,
    spaces: {
      object: name('object', plan.object.revision),
      past: spacesFor(code.past, name),
      future: spacesFor(future, name)
    }
  }
  const { directory } = code.object
  if (directory !== undefined) {
    const path = await makeDirectory(init.directory, meta.spaces.object)
    await directory.initialize?.(path)
    await syncDirectory(path, init.signal)
  }
  const layer = new Layer()
  await initialize(init, [code.object], { [code.object.revision]: meta.spaces.object }, layer)
  await initialize(init, code.past, meta.spaces.past, layer)
  await initialize(init, future, meta.spaces.future, layer)
  const written = await write(init, { className: plan.className, meta }, layer)
  await markDirectory(init.directory)
  return written
}

async function goBack(init: BringInit, stored: StoredMeta): Promise<StoredMeta> {
  const { plan } = init
  const { before, ...meta } = stored.meta
  // The batch was written before and its process killed: there is nothing left to do.
  if (meta.current === plan.object.version) return stored
  const kept = plan.goBack === 'exact' ? wentBack(meta, plan.object) : undefined
  if (kept !== undefined) return write(init, { className: plan.className, meta: kept })
  if (plan.goBack === 'transform') return goBackByTransform(init, stored)
  if (before?.current !== plan.object.version) {
    throw new InstarError(
      'HostFailed',
      `The state of version ${plan.object.version} was not kept, so there is no way back to it.`,
      {
        detail: { current: meta.current }
      }
    )
  }
  return write(init, {
    className: plan.className,
    meta: {
      ...meta,
      current: before.current,
      chainId: before.chainId,
      revision: before.revision,
      generation: meta.generation + 1,
      spaces: before.spaces
    }
  })
}

/** Walks the reverse steps below the state's version, each with its own batch (R13). */
async function goBackByTransform(init: BringInit, stored: StoredMeta): Promise<StoredMeta> {
  let now = stored
  await dropLeftOvers(init, stored.meta)
  for (const step of init.plan.reverse ?? []) if (step.from === now.meta.current) now = await takeBack(init, step, now)
  if (now.meta.current === init.plan.object.version) return now
  throw noWay(now.meta.current, init.plan)
}

/**
 * Walks the steps above the state's version, each with its own batch. Only the last one moves what `meta` names: a late peer is never in between
 * two versions, and one that is interrupted goes on with the step that it was at (§14).
 */
async function upgrade(init: BringInit, stored: StoredMeta): Promise<StoredMeta> {
  const start = { ...stored, meta: withoutWalked(stored.meta) }
  let now = walkedSoFar(init, stored) ?? start
  const steps = stepsFrom(init.plan, now.meta.current)
  const builds = steps.some(step => step.transform !== 'none')
  for (const step of steps) {
    // What neither the start nor the last step needs would fill the disk with as many states as there are steps.
    if (builds) await dropLeftOvers(init, now === start ? start.meta : underWay(start, now).meta)
    now = await takeStep(init, step, now, taken =>
      step === steps.at(-1) ? left(init, start, taken) : underWay(start, taken)
    )
  }
  return steps.length === 0 ? stored : left(init, start, now)
}

/** With the state in which the way began, for the operator; where the way back needs it, it is kept for that. */
function left({ plan, trial, nowMs }: BringInit, start: StoredMeta, taken: StoredMeta): StoredMeta {
  if (trial !== undefined || plan.wayBack?.by === 'copy') return taken
  return { ...taken, meta: keepObject(taken.meta, start.meta, nowMs) }
}

/** What killed attempts left could otherwise fill the disk with each new one. */
async function dropLeftOvers({ db, directory, signal, trial }: BringInit, meta: StateMeta): Promise<void> {
  const named = spacesOf(meta)
  const stays = (space: string): boolean => named.has(space) || trial?.keeps(space) === true
  await deleteOtherSpaces(db, stays, { signal, pause: () => Promise.resolve() })
  await deleteOtherDirectories(directory, stays, signal)
}

function withoutPrepared({ prepared: _dropped, ...meta }: StateMeta): StateMeta {
  return meta
}

function stepsFrom(plan: HostPlan, current: number): readonly UpgradeStep[] {
  const steps = plan.steps.filter(step => step.from >= current)
  let reached = current
  for (const step of steps) {
    if (step.from !== reached) break
    reached = step.to
  }
  if (reached === plan.object.version) return steps
  throw noWay(current, plan)
}

function noWay(current: number, { object }: HostPlan): InstarError {
  return new InstarError(
    'HostFailed',
    `The state here is of version ${current}, and the plan knows no way from it to version ${object.version}.`,
    { detail: { current, wanted: object.version } }
  )
}

/**
 * Façades that are new start from their initial state; those that are gone lose theirs; a way back that is not asked for is dropped. What
 * was withdrawn stays so until a plan comes without it (§7).
 */
async function conformFacades(init: BringInit, stored: StoredMeta): Promise<StoredMeta> {
  const { code, plan } = init
  const { before, withdrawn, ...meta } = stored.meta
  const stillWithdrawn = { past: among(code.past, withdrawn?.past), future: among(code.future, withdrawn?.future) }
  const past = code.past.filter(each => stillWithdrawn.past[each.revision] === undefined)
  const future = code.future
    .filter(each => stillWithdrawn.future[each.revision] === undefined)
    // The state of a twin is built beside the object, and is not there until it is complete (§8).
    .filter(each => each.model !== 'twin' || meta.spaces.future[each.revision] !== undefined)
  const isNew = (spaces: Readonly<Record<string, string>>) => (each: FacadeCode) => spaces[each.revision] === undefined
  const newPast = past.filter(isNew(meta.spaces.past))
  const newFuture = future.filter(isNew(meta.spaces.future))
  const gone =
    Object.keys(meta.spaces.past).length +
    newPast.length -
    past.length +
    (Object.keys(meta.spaces.future).length + newFuture.length - future.length)
  const forgiven = count(withdrawn) - count(stillWithdrawn)
  const dropBefore = before !== undefined && plan.wayBack?.by !== 'copy'
  if (newPast.length + newFuture.length + gone + forgiven === 0 && !dropBefore) return stored

  const generation = meta.generation + 1
  const name = spaceNamer(generation, init.random)
  const pick = (codes: readonly FacadeCode[], old: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(codes.map(each => [each.revision, old[each.revision] ?? name(each.role, each.revision)]))
  const spaces: StateSpaces = {
    object: meta.spaces.object,
    past: pick(past, meta.spaces.past),
    future: pick(future, meta.spaces.future)
  }
  const layer = new Layer()
  await initialize(init, newPast, spaces.past, layer)
  await initialize(init, newFuture, spaces.future, layer)
  const left = keepOutgrown({ ...meta, generation }, spaces.past, init.nowMs)
  const conformed: StateMeta = {
    ...(dropBefore ? keep(left, before, init.nowMs) : left),
    spaces,
    ...(count(stillWithdrawn) === 0 ? {} : { withdrawn: stillWithdrawn }),
    ...(before === undefined || dropBefore ? {} : { before })
  }
  return write(init, { className: stored.className, meta: conformed }, layer)
}

function among(codes: readonly FacadeCode[], causes: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    codes.flatMap(({ revision }) => (causes[revision] === undefined ? [] : [[revision, causes[revision]]]))
  )
}

function count(withdrawn: StateMeta['withdrawn']): number {
  return withdrawn === undefined ? 0 : Object.keys(withdrawn.past).length + Object.keys(withdrawn.future).length
}

async function initialize(
  init: BringInit,
  codes: readonly FacadeCode[],
  spaces: Readonly<Record<string, string>>,
  layer: Layer
): Promise<void> {
  for (const { initialize, revision } of codes)
    layer.absorb(await initialState(init.db, initialize, prefixOf(spaces[revision] ?? '')))
}

function spacesFor(
  codes: readonly FacadeCode[],
  name: (role: FacadeCode['role'], revision: number) => string
): Record<string, string> {
  return Object.fromEntries(codes.map(code => [code.revision, name(code.role, code.revision)]))
}

function assertAgrees({ plan, directory }: BringInit, { className, meta }: StoredMeta): void {
  if (className !== plan.className) {
    throw new InstarError(
      'StateDamaged',
      `The state in ${directory} is of class ${className}, and the plan runs ${plan.className}: it belongs to another peer.`,
      {
        detail: { directory }
      }
    )
  }
  if (meta.revision !== plan.object.revision) {
    throw new InstarError(
      'HostFailed',
      `The plan takes version ${meta.current} for contract revision ${plan.object.revision}, the state says ${meta.revision}.`
    )
  }
}
