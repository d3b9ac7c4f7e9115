import { access } from 'node:fs/promises'
import { InstarError } from '@instar/core'
import { dataPaths } from '../store/data-paths.js'
import { isLocked, onDisk, toDiskError } from '../store/disk-errors.js'
import { auditFiles, readAuditFile } from './audit-files.js'
import type { AuditHead } from './audit-line.js'
import { verifyAudit, type AuditCheck } from './verify-audit.js'

/**
 * Checks the audit log of a data directory, whether or not its peer runs.
 *
 * @param running - what the running peer says is its newest line, asked before; without it the store is opened, which no peer may have open
 * @throws InstarError BadInput where there is no log, DataDirectoryInUse
 */
export async function checkAudit(dataDirectory: string, running?: AuditHead): Promise<AuditCheck> {
  const { audit, store } = dataPaths(dataDirectory)
  const known = running ?? (await storedHead(store))
  if (known === undefined && (await auditFiles(audit)).length === 0)
    throw new InstarError(
      'BadInput',
      `${dataDirectory} holds no audit log: name the data directory of a peer with --data.`
    )
  return onDisk(audit, () => verifyAudit(audit, known))
}

/** The last lines of the audit log as they stand in its files, oldest first; nothing is checked. */
export async function auditTail(dataDirectory: string, linesMax: number): Promise<readonly string[]> {
  const { audit } = dataPaths(dataDirectory)
  const found: string[] = []
  for (const file of (await auditFiles(audit)).toReversed()) {
    const { texts } = await onDisk(file.path, () => readAuditFile(file))
    found.unshift(...texts.slice(-(linesMax - found.length)))
    if (found.length >= linesMax) break
  }
  return found
}

async function storedHead(path: string): Promise<AuditHead | undefined> {
  const isThere = await access(path).then(
    () => true,
    () => false
  )
  if (!isThere) return undefined
  // Loaded here only: the tools that talk to a peer start faster without a database.
  const { openStore } = await import('../store/store.js')
  const store = await openStore(path).catch((thrown: unknown) => {
    if (!isLocked(thrown)) throw toDiskError(path, thrown)
    const message = `${path} is open in a process that starts, stops or does not answer: try again when the peer runs or has ended.`
    throw new InstarError('DataDirectoryInUse', message, { detail: { path }, cause: thrown })
  })
  try {
    return await store.readAuditHead()
  } finally {
    await store.close()
  }
}
