import { InstarError, type ReverseStep, type StateMeta } from '@instar/core'
import { groundOfReverse } from '../build/ground.js'
import { findDirectory, makeDirectory, onlyRead, syncDirectory } from '../directory/directories.js'
import { View } from '../state/view.js'
import { initialState } from './initial-state.js'
import type { ReverseCode } from './load-code.js'
import type { StoredMeta } from './meta.js'
import { notesPrefixOf, prefixOf, spaceNamer } from './spaces.js'
import { transform, write, type BringInit } from './take-step.js'
import { assertKind, entryByEntry, type TransformWork } from './transform.js'

/**
 * Goes back one version by the reverse transform of its upgrade (§8). As with a step forward: the state of the trial is only read, the old
 * one is built aside, and the record that names it is one synced batch; killed before it, the next start does the same again (R13).
 */
export async function takeBack(init: BringInit, step: ReverseStep, stored: StoredMeta): Promise<StoredMeta> {
  const code = init.code.reverse.get(step.from)
  if (code === undefined)
    throw new InstarError(
      'HostFailed',
      `Version ${step.from} has no reverse transform, so there is no way back from it.`
    )
  const { before: _before, prepared: _prepared, ...meta } = stored.meta
  const generation = meta.generation + 1
  const made = spaceNamer(generation, init.random)('object', step.toRevision)
  const work = await workOf(init, step, code, meta, made)
  await transform(
    init,
    { to: step.to, name: `version ${step.to} of ${init.plan.className}, back from version ${step.from},` },
    work
  )
  const { [String(step.toRevision)]: _isTheObject, ...past } = meta.spaces.past
  const spaces = { ...meta.spaces, object: made, past: step.fromRevision === step.toRevision ? meta.spaces.past : past }
  const taken = await write(init, {
    className: init.plan.className,
    meta: { ...meta, current: step.to, chainId: step.chainId, revision: step.toRevision, generation, spaces }
  })
  init.onProgress({ stage: 'transformed', to: step.to })
  return taken
}

async function workOf(
  { db, directory, code: { object } }: BringInit,
  step: ReverseStep,
  code: ReverseCode,
  { spaces }: StateMeta,
  made: string
): Promise<TransformWork> {
  const pastSpace = step.fromRevision === step.toRevision ? undefined : spaces.past[step.toRevision]
  const past = prefixOf(pastSpace ?? `${made}.none`)
  if (code.entries !== undefined) {
    const prefixes = { new: prefixOf(spaces.object), past, old: prefixOf(made), notes: notesPrefixOf(made) }
    return entryByEntry(groundOfReverse(code.entries, prefixes, await initialState(db, code.initialize, prefixes.old)))
  }
  const newDirectory = await findDirectory(directory, spaces.object)
  const oldDirectory = object.directory === undefined ? undefined : await makeDirectory(directory, made)
  return async ({ old: access, built, signal }) => {
    const run = async (): Promise<void> =>
      code.transform?.({
        get newState() {
          assertKind('new', 'managed', newDirectory)
          return new View(access, prefixOf(spaces.object))
        },
        get newDirectory() {
          return assertKind('new', 'directory', newDirectory)
        },
        pastState: new View(access, past),
        get oldState() {
          assertKind('old', 'managed', oldDirectory)
          return new View(built, prefixOf(made))
        },
        get oldDirectory() {
          return assertKind('old', 'directory', oldDirectory)
        },
        signal
      })
    await (newDirectory === undefined ? run() : onlyRead(newDirectory, run))
    if (oldDirectory !== undefined) await syncDirectory(oldDirectory, signal)
  }
}
