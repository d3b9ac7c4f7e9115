import { InstarError, type ErrorCode } from '@instar/core'

/** What a system call says of a machine without room, or of a disk that fails. */
const systemCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'])
const databaseCodes: ReadonlySet<string> = new Set(['LEVEL_IO_ERROR', 'LEVEL_CORRUPTION'])
const errorCodes: ReadonlySet<ErrorCode> = new Set(['DiskFull', 'ProcessNotStarted', 'StateDamaged'])

/** Errors are wrapped on their way, by us and by authors; nobody wraps without end. */
const causesMax = 8

/**
 * The failure of disk or machine that is behind an error, however often it was wrapped; undefined: it is the doing of whoever threw it. What
 * the machine could not do says nothing about the code that asked for it, and no version is blamed for it (§1).
 */
export function machineFaultIn(error: unknown): Error | undefined {
  let each = error
  for (let i = 0; i < causesMax && each instanceof Error; i++, each = each.cause) if (isMachines(each)) return each
  return undefined
}

function isMachines(error: Error & { readonly code?: unknown; readonly syscall?: unknown }): boolean {
  if (error instanceof InstarError) return errorCodes.has(error.code)
  if (typeof error.code !== 'string') return false
  // An author's error may have any code; one of a system call says which call it was.
  return databaseCodes.has(error.code) || (systemCodes.has(error.code) && typeof error.syscall === 'string')
}
