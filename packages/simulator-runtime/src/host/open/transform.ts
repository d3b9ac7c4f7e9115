import { InstarError, messageOf } from '@instar/core'
import type { Transform } from '../../definition/define-upgrade.js'
import { BuildAccess, OldAccess } from '../build/build-access.js'
import { Cursor } from '../build/cursor.js'
import type { Ground } from '../build/ground.js'
import { MappingRun } from '../build/mapping-run.js'
import { onlyRead, syncDirectory } from '../directory/directories.js'
import type { Database } from '../state/merged-entries.js'
import { afterPrefix, View } from '../state/view.js'
import { stateError } from './database.js'
import { machineFaultIn } from './machine-fault.js'
import { prefixOf } from './spaces.js'

export interface TransformRun {
  readonly db: Database
  readonly directory: string
  readonly work: TransformWork
  /** Class and version, for messages. */
  readonly name: string
  readonly timeMs: number
  readonly signal: AbortSignal
  readonly onRead: (entries: number) => void
  readonly onAccess?: (() => void) | undefined
}

/** What a transform does between the old state and the one that is being built. */
export type TransformWork = (states: {
  readonly old: OldAccess
  readonly built: BuildAccess
  /** Aborted when its time is over or the peer stops. */
  readonly signal: AbortSignal
}) => Promise<void>

/** An author's transform function (R13, R14). */
export function whole(
  transform: Transform,
  spaces: { readonly old: string; readonly future: string; readonly new: string; readonly past: string },
  directories: { readonly old: string | undefined; readonly new: string | undefined }
): TransformWork {
  return async ({ old, built, signal }) => {
    const run = async (): Promise<void> =>
      transform({
        get oldState() {
          assertKind('old', 'managed', directories.old)
          return new View(old, prefixOf(spaces.old))
        },
        get oldDirectory() {
          return assertKind('old', 'directory', directories.old)
        },
        futureState: new View(old, prefixOf(spaces.future)),
        get newState() {
          assertKind('new', 'managed', directories.new)
          return new View(built, prefixOf(spaces.new))
        },
        get newDirectory() {
          return assertKind('new', 'directory', directories.new)
        },
        pastState: new View(built, prefixOf(spaces.past)),
        signal
      })
    await (directories.old === undefined ? run() : onlyRead(directories.old, run))
    if (directories.new !== undefined) await syncDirectory(directories.new, signal)
  }
}

/** A transform that takes the wrong one would read nothing, or write what nobody reads. */
export function assertKind(which: 'old' | 'new', kind: 'managed' | 'directory', directory: string | undefined): string {
  if ((directory === undefined) === (kind === 'managed')) return directory ?? ''
  throw new TypeError(
    directory === undefined
      ? `the ${which} class has managed state: use ${which}State`
      : `the ${which} class has files for its state: use ${which}Directory`
  )
}

/** What was not built beside the old state: a late peer walks several versions at once. */
export function entryByEntry(ground: Ground): TransformWork {
  return async ({ old, built }) => {
    const run = new MappingRun({ ground, read: key => old.read(key), built })
    for (const [key, value] of ground.initial.entries) built.gather(key, value)
    const cursor = new Cursor(ground.sources)
    for (const prefix of ground.sources) {
      const range = { lower: prefix, lowerInside: true, upper: afterPrefix(prefix), upperInside: false }
      const source = old.entries(range, false, -1)
      try {
        for (let part = await source.next(500); part.length > 0; part = await source.next(500)) {
          for (const [key, value] of part) {
            await run.map(key, value, cursor.isBehind)
            cursor.mapped(key)
          }
          if (built.isFull) await built.flush()
        }
      } finally {
        await source.close()
      }
      cursor.next()
    }
  }
}

/**
 * Runs a transform to its end, with everything that it wrote on disk. What it reads never changes and what it writes is named by nothing
 * yet, so that it can be stopped anywhere and started again from nothing (R13).
 *
 * @throws InstarError TransformFailed, TransformTimeout, DiskFull, Stopped
 */
export async function runTransform(run: TransformRun): Promise<void> {
  const { db, name } = run
  let over: InstarError | undefined
  const assertOpen = (): void => {
    if (over !== undefined) throw over
    run.onAccess?.()
  }
  const controller = new AbortController()
  let unread: { readonly error: unknown } | undefined
  const old = new OldAccess(db, assertOpen, run.onRead, error => {
    // What is over is read in vain.
    if (over === undefined) unread ??= { error }
  })
  const built = new BuildAccess(db, assertOpen)
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = (error: InstarError): void => {
    over = error
    controller.abort(error)
    reject(error)
  }
  const overrun = (): void =>
    stop(
      new InstarError(
        'TransformTimeout',
        `The transform to ${name} took longer than ${run.timeMs} ms; the old state is as it was.`
      )
    )
  const abandon = (): void => stop(new InstarError('Stopped', `The transform to ${name} was stopped.`))
  const timer = setTimeout(overrun, run.timeMs)
  run.signal.addEventListener('abort', abandon, { once: true })
  if (run.signal.aborted) abandon()
  try {
    const done = run.work({ old, built, signal: controller.signal })
    await Promise.race([done, stopped])
    if (unread !== undefined) throw unread.error
    await built.flush()
  } catch (error) {
    throw explained(over ?? unread?.error ?? error, run)
  } finally {
    over ??= new InstarError('Stopped', `The transform to ${name} has ended.`)
    clearTimeout(timer)
    run.signal.removeEventListener('abort', abandon)
    // Nobody waits for it any more.
    stopped.catch(() => undefined)
  }
}

function explained(error: unknown, run: TransformRun): InstarError {
  if (error instanceof InstarError) return error
  const fault = machineFaultIn(error)
  if (fault !== undefined) return stateError(fault, run.directory)
  return new InstarError(
    'TransformFailed',
    `The transform to ${run.name} threw: ${messageOf(error)}. The old state is as it was.`,
    { cause: error }
  )
}
