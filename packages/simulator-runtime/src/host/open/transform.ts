import { InstarError, messageOf } from '@instar/core'
import type { Transform } from '../../definition/define-upgrade.js'
import { View } from '../state/view.js'
import type { Database } from '../state/merged-entries.js'
import { stateError } from './database.js'
import { BuildAccess, OldAccess } from './build-access.js'
import { prefixOf } from './spaces.js'

export interface TransformRun {
  readonly db: Database
  readonly directory: string
  readonly transform: Transform
  /** Class and version, for messages. */
  readonly name: string
  readonly spaces: { readonly old: string; readonly future: string; readonly new: string; readonly past: string }
  readonly timeMs: number
  readonly signal: AbortSignal
  readonly onRead: (entries: number) => void
}

/**
 * Runs a transform to its end, with everything that it wrote on disk. What it reads never changes and what it writes is named by nothing
 * yet, so that it can be stopped anywhere and started again from nothing (R13).
 *
 * @throws InstarError TransformFailed, TransformTimeout, DiskFull, Stopped
 */
export async function runTransform(run: TransformRun): Promise<void> {
  const { db, spaces, name } = run
  let over: InstarError | undefined
  const assertOpen = (): void => {
    if (over !== undefined) throw over
  }
  const controller = new AbortController()
  const old = new OldAccess(db, assertOpen, run.onRead)
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
    const done = Promise.resolve(
      run.transform({
        oldState: new View(old, prefixOf(spaces.old)),
        futureState: new View(old, prefixOf(spaces.future)),
        newState: new View(built, prefixOf(spaces.new)),
        pastState: new View(built, prefixOf(spaces.past)),
        signal: controller.signal
      })
    )
    await Promise.race([done, stopped])
    await built.flush()
  } catch (error) {
    throw explained(error, run)
  } finally {
    over ??= new InstarError('Stopped', `The transform to ${name} has ended.`)
    clearTimeout(timer)
    run.signal.removeEventListener('abort', abandon)
    // Nobody waits for it any more.
    stopped.catch(() => undefined)
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : ''
}

function explained(error: unknown, run: TransformRun): InstarError {
  if (error instanceof InstarError) return error
  const code = codeOf(error)
  if (/no space left|ENOSPC/i.test(messageOf(error)) || code.startsWith('LEVEL_IO'))
    return stateError(error, run.directory)
  return new InstarError(
    'TransformFailed',
    `The transform to ${run.name} threw: ${messageOf(error)}. The old state is as it was.`,
    { cause: error }
  )
}
