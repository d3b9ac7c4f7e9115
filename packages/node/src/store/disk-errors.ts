import { InstarError, messageOf } from '@instar/core'

/** Runs an operation on files of the peer; what the disk says becomes a sentence that names the path. */
export async function onDisk<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (thrown) {
    throw toDiskError(path, thrown)
  }
}

export function toDiskError(path: string, thrown: unknown): InstarError {
  if (thrown instanceof InstarError) return thrown
  // Level says what its engine said only in its message, and wraps it once.
  const text = `${errorCodeOf(thrown)} ${messageOf(thrown)} ${messageOf((thrown as Error | undefined)?.cause)}`
  const full = /ENOSPC|EDQUOT|EFBIG|No space left|quota exceeded/i.test(text)
  return full
    ? new InstarError(
        'DiskFull',
        `The disk is full: ${path} could not be written. Free some space; the peer goes on.`,
        {
          detail: { path },
          cause: thrown
        }
      )
    : new InstarError('DataDirectoryDamaged', `${path} could not be read or written: ${messageOf(thrown)}.`, {
        detail: { path },
        cause: thrown
      })
}

export function errorCodeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** Whether another process has the database open. */
export function isLocked(thrown: unknown): boolean {
  return [thrown, (thrown as Error | undefined)?.cause].some(each => errorCodeOf(each) === 'LEVEL_LOCKED')
}
