import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { InstarError, messageOf, type StateMeta, type UpgradeStep } from '@instar/core'
import { OldAccess } from '../build/build-access.js'
import { EntryOfState } from '../build/mapped-entry.js'
import { shown } from '../build/mapping-run.js'
import type { FacadeCode } from '../call/facade.js'
import { findDirectory } from '../directory/directories.js'
import type { StepCode } from '../open/load-code.js'
import { stateError } from '../open/database.js'
import { machineFaultIn } from '../open/machine-fault.js'
import { prefixOf, withinSpace } from '../open/spaces.js'
import { assertKind } from '../open/transform.js'
import { storedEntries, type Database } from '../state/merged-entries.js'
import { afterPrefix, View } from '../state/view.js'

/** A state in a database and in the directories beside it. */
export interface Place {
  readonly db: Database
  readonly directory: string
}

export interface StepTaken {
  readonly step: UpgradeStep
  readonly from: StateMeta
  readonly to: StateMeta
}

/** Runs the author's check of one step. @throws InstarError TransformFailed with what it says */
export async function verifyStep(
  { db, directory }: Place,
  { verify }: StepCode,
  { step, from, to }: StepTaken
): Promise<void> {
  if (verify === undefined) return
  const directories = {
    old: await findDirectory(directory, from.spaces.object),
    new: await findDirectory(directory, to.spaces.object)
  }
  let unread: unknown
  const access = new OldAccess(
    db,
    () => undefined,
    () => undefined,
    error => (unread ??= error)
  )
  const view = (space: string | undefined): View => new View(access, prefixOf(space ?? `${to.spaces.object}.none`))
  try {
    await verify({
      get oldState() {
        assertKind('old', 'managed', directories.old)
        return view(from.spaces.object)
      },
      get oldDirectory() {
        return assertKind('old', 'directory', directories.old)
      },
      futureState: view(from.spaces.future[step.toRevision]),
      get newState() {
        assertKind('new', 'managed', directories.new)
        return view(to.spaces.object)
      },
      get newDirectory() {
        return assertKind('new', 'directory', directories.new)
      },
      pastState: view(to.spaces.past[step.fromRevision])
    })
    if (unread !== undefined) throw unread as Error
  } catch (error) {
    const fault = machineFaultIn(unread ?? error)
    if (fault !== undefined) throw stateError(fault, directory)
    const what = `What the upgrade to version ${step.to} makes of the state here is wrong, says its author's check: ${messageOf(error)}`
    throw new InstarError('TransformFailed', sentence(what), { cause: error })
  }
}

/** What was found in a state, its files included. */
export interface Examined {
  readonly entries: number
  readonly bytes: number
  /** Whether its class says how an entry is read. */
  readonly isRead: boolean
}

/** Reads every entry of a façade's state as its class does; `maker` made it, for people. @throws InstarError TransformFailed naming the first one that it cannot read */
export async function examineSpace(
  { db, directory }: Place,
  space: string,
  code: FacadeCode,
  signal: AbortSignal,
  maker = 'The upgrade'
): Promise<Examined> {
  const prefix = prefixOf(space)
  const range = { lower: prefix, lowerInside: true, upper: afterPrefix(prefix), upperInside: false }
  const source = storedEntries(db, range, { reverse: false, limit: -1 })
  let entries = 0
  let bytes = 0
  try {
    for (let part = await source.next(500); part.length > 0; part = await source.next(500)) {
      signal.throwIfAborted()
      for (const [key, value] of part) {
        entries++
        bytes += key.length - prefix.length + value.byteLength
        if (code.readEntry !== undefined) await readOne(code, key, value, maker)
      }
    }
  } finally {
    await source.close()
  }
  const files = await findDirectory(directory, space)
  if (files !== undefined) bytes += await bytesIn(files)
  return { entries, bytes, isRead: code.readEntry !== undefined }
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0
  for await (const each of await opendir(folder)) {
    const path = join(folder, each.name)
    bytes += each.isDirectory() ? await bytesIn(path) : (await lstat(path)).size
  }
  return bytes
}

async function readOne(
  { readEntry, role, className, revision }: FacadeCode,
  key: string,
  value: Buffer,
  maker: string
): Promise<void> {
  try {
    await readEntry?.(new EntryOfState(withinSpace(key), value))
  } catch (error) {
    const who = role === 'object' ? className : `the ${role} simulation object of version ${revision}`
    const what = `${maker} makes an entry that ${who} cannot read, ${shown(key)}: ${messageOf(error)}`
    throw new InstarError('TransformFailed', sentence(what), { cause: error })
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
