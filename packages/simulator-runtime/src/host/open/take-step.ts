import { InstarError, type HostPlan, type StateMeta, type StateSpaces, type UpgradeStep } from '@instar/core'
import type { EntriesTransform } from '../../definition/entries.js'
import { groundOfEntries, groundOfTwin, type Ground } from '../build/ground.js'
import { findDirectory, makeDirectory } from '../directory/directories.js'
import type { StateProgress } from '../host-runtime.js'
import { Layer } from '../state/layer.js'
import type { Database } from '../state/merged-entries.js'
import { toOperations } from '../state/store.js'
import { upgraded } from '../twin/relabel.js'
import { initialState } from './initial-state.js'
import type { LoadedCode, StepCode } from './load-code.js'
import { putMeta, type StoredMeta } from './meta.js'
import { ofStep } from './of-step.js'
import { setApart } from './set-apart.js'
import { notesPrefixOf, prefixOf, spaceNamer } from './spaces.js'
import { entryByEntry, runTransform, whole, type TransformWork } from './transform.js'

export interface BringInit {
  readonly db: Database
  readonly directory: string
  readonly network: string
  readonly plan: HostPlan
  readonly code: LoadedCode
  readonly random: () => number
  readonly signal: AbortSignal
  /** Wall clock. */
  readonly nowMs: number
  readonly onProgress: (progress: StateProgress) => void
  /** Of a rehearsal only. */
  readonly trial?: Trial
}

/** What a rehearsal asks of the same steps that an upgrade takes. */
interface Trial {
  /** Whether a space stays although no record names it. */
  readonly keeps: (space: string) => boolean
  /** Told of every read and write of a transform. */
  readonly onAccess: () => void
  /** After each step, before the next one. */
  readonly onStep: (step: UpgradeStep, from: StateMeta, to: StateMeta) => Promise<void>
}

/**
 * Takes one step of an upgrade and says what the state is then; on disk in one batch with whatever it makes true.
 *
 * @param record what the batch says of that: for the last step the state itself
 */
export async function takeStep(
  init: BringInit,
  step: UpgradeStep,
  stored: StoredMeta,
  record: (taken: StoredMeta) => StoredMeta
): Promise<StoredMeta> {
  try {
    return await takeThis(init, step, stored, record)
  } catch (error) {
    throw ofStep(error, step.to)
  }
}

async function takeThis(
  init: BringInit,
  step: UpgradeStep,
  stored: StoredMeta,
  record: (taken: StoredMeta) => StoredMeta
): Promise<StoredMeta> {
  const { plan } = init
  const code = init.code.steps.get(step.to)
  const isTwin = code?.map !== undefined
  const { prepared, ...found } = stored.meta
  // §8: everything was done at introduction.
  const meta = (isTwin ? upgraded(found, step) : undefined) ?? (await built(init, step, code, found, prepared))
  const { current, chainId, revision, spaces } = found
  const here = { current, chainId, revision, spaces }
  // Of several steps the way back leads to where the first began; what is kept for the way back of an earlier upgrade ends with it.
  const before = plan.wayBack?.by === 'copy' && found.before?.current === plan.wayBack.to ? found.before : here
  const taken: StoredMeta = {
    className: code?.className ?? stored.className,
    meta: plan.wayBack?.by === 'copy' ? { ...(await setApart(init, meta, before.spaces)), before } : withoutBefore(meta)
  }
  await write(init, record(taken))
  if (step.transform !== 'none') init.onProgress({ stage: 'transformed', to: step.to })
  await init.trial?.onStep(step, found, taken.meta)
  return taken
}

/** The state after one step, built in the pause where the step has a transform. */
async function built(
  init: BringInit,
  step: UpgradeStep,
  code: StepCode | undefined,
  meta: StateMeta,
  prepared: StateMeta['prepared']
): Promise<StateMeta> {
  const generation = meta.generation + 1
  const name = spaceNamer(generation, init.random)
  // By the process before, which nobody has called since.
  const isPrepared = code?.entries !== undefined && prepared?.chainId === step.chainId
  const made = isPrepared
    ? prepared
    : { object: name('object', step.toRevision), past: name('past', step.fromRevision) }
  const work = await workOf(init, step, code, meta, made)
  const to = { to: step.to, name: `version ${step.to} of ${init.plan.className}` }
  if (work !== undefined && !isPrepared) await transform(init, to, work)
  const isSameContract = step.fromRevision === step.toRevision
  const { [String(step.toRevision)]: _used, ...future } = meta.spaces.future
  // A twin's old state is complete as it is: the old class lives on with it.
  const past = code?.map === undefined ? made.past : meta.spaces.object
  return {
    ...meta,
    current: step.to,
    chainId: step.chainId,
    revision: step.toRevision,
    generation,
    spaces: {
      object: work === undefined ? meta.spaces.object : made.object,
      past:
        isSameContract || work === undefined
          ? meta.spaces.past
          : { ...meta.spaces.past, [String(step.fromRevision)]: past },
      future: isSameContract ? meta.spaces.future : future
    }
  }
}

async function workOf(
  { db, directory }: BringInit,
  step: UpgradeStep,
  code: StepCode | undefined,
  { spaces }: StateMeta,
  made: { readonly object: string; readonly past: string }
): Promise<TransformWork | undefined> {
  if (code?.map !== undefined) {
    const prefixes = { old: prefixOf(spaces.object), new: prefixOf(made.object), notes: notesPrefixOf(made.object) }
    return entryByEntry(groundOfTwin(code.map, prefixes, await initialState(db, code.initialize, prefixes.new)))
  }
  if (code?.entries !== undefined)
    return entryByEntry(await groundOf(db, { ...code, entries: code.entries }, step, spaces, made))
  const old = await findDirectory(directory, spaces.object)
  const ownsFiles = code?.ownsFiles ?? old !== undefined
  if (code?.transform === undefined) {
    if (ownsFiles === (old !== undefined)) return undefined
    throw new InstarError(
      'TransformFailed',
      `Version ${step.to} keeps its state in ${ownsFiles ? 'files' : 'managed state'} and the version before does not: the upgrade needs a transform.`
    )
  }
  const future = spaces.future[step.toRevision] ?? `${made.object}.none`
  const directories = { old, new: ownsFiles ? await makeDirectory(directory, made.object) : undefined }
  return whole(code.transform, { old: spaces.object, future, new: made.object, past: made.past }, directories)
}

/** Of a transform by entries. */
export async function groundOf(
  db: Database,
  code: Pick<StepCode, 'initialize' | 'initializePast'> & { readonly entries: EntriesTransform },
  step: UpgradeStep,
  spaces: StateSpaces,
  made: { readonly object: string; readonly past: string }
): Promise<Ground> {
  const prefixes = {
    old: prefixOf(spaces.object),
    future: prefixOf(spaces.future[step.toRevision] ?? `${made.object}.none`),
    new: prefixOf(made.object),
    past: prefixOf(made.past),
    notes: notesPrefixOf(made.object)
  }
  const initial = await initialState(db, code.initialize, prefixes.new)
  initial.absorb(await initialState(db, code.initializePast, prefixes.past))
  return groundOfEntries(code.entries, prefixes, initial)
}

/** @param name class and version, for messages */
export async function transform(
  init: BringInit,
  { to, name }: { readonly to: number; readonly name: string },
  work: TransformWork
): Promise<void> {
  let done = 0
  init.onProgress({ stage: 'transforming', to, done })
  await runTransform({
    db: init.db,
    directory: init.directory,
    work,
    name,
    timeMs: init.plan.limits.transformMs,
    signal: init.signal,
    onAccess: init.trial?.onAccess,
    onRead: entries => {
      done += entries
      init.onProgress({ stage: 'transforming', to, done })
    }
  })
}

function withoutBefore({ before: _dropped, ...meta }: StateMeta): StateMeta {
  return meta
}

/** Makes a record true, together with what it stands for. */
export async function write(init: BringInit, stored: StoredMeta, layer = new Layer()): Promise<StoredMeta> {
  init.signal.throwIfAborted()
  putMeta(layer, stored)
  await init.db.batch(toOperations(layer), { sync: true })
  return stored
}
