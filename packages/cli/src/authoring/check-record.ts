import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Descriptor } from '@instar/core'
import { writeAtomically } from './write-atomically.js'

/**
 * An author's own note that a bundle was checked, kept beside the proposal under the bundle's id: other code has no such note. It is not
 * signed and proves nothing to others; it is there so that nobody signs by mistake what was never checked.
 */
export interface CheckRecord {
  readonly format: 1
  readonly bundle: string
  readonly passed: boolean
  /** Whether there was a specification to check it against. */
  readonly specified: boolean
  readonly seed: number
  readonly histories: number
  readonly instar: string
  /** ISO 8601. */
  readonly checkedAt: string
}

function pathOf(out: string, bundle: string): string {
  return join(out, 'checks', `${bundle}.json`)
}

/** @param out the folder of the proposal */
export async function writeCheckRecord(out: string, record: CheckRecord): Promise<void> {
  await writeAtomically(pathOf(out, record.bundle), `${JSON.stringify(record, undefined, 2)}\n`)
}

/** `undefined`: there is none that can be read. */
async function readCheckRecord(out: string, bundle: string): Promise<CheckRecord | undefined> {
  // A note that is missing or spoilt counts as none: all it can do is spare a warning.
  const text = await readFile(pathOf(out, bundle), 'utf8').catch(() => '')
  try {
    const record = JSON.parse(text) as Partial<CheckRecord> | null
    return record?.format === 1 && record.bundle === bundle ? (record as CheckRecord) : undefined
  } catch {
    return undefined
  }
}

/** What a signer should know of the check of one class, and whether it is a warning. */
function checkWords(
  className: string,
  record: CheckRecord | undefined
): { readonly text: string; readonly isWarning: boolean } {
  if (record === undefined) {
    return { text: `The upgrade to ${className} was not checked here: see instar upgrade check.`, isWarning: true }
  }
  const { histories, seed, instar, checkedAt, passed, specified } = record
  const by = `${histories} histories, seed ${seed}, Instar ${instar}, ${checkedAt}`
  if (!passed) return { text: `The check of the upgrade to ${className} found a flaw (${by}).`, isWarning: true }
  if (!specified) {
    return {
      text: `The upgrade to ${className} was checked without a specification, so only in part (${by}).`,
      isWarning: true
    }
  }
  return { text: `The author notes, unsigned, that the upgrade to ${className} was checked (${by}).`, isWarning: false }
}

/** Of every class that there was before; `folder` is that of the proposal. */
export function checksOf(
  { classes }: Descriptor,
  folder: string
): Promise<ReadonlyArray<ReturnType<typeof checkWords>>> {
  const changed = classes.filter(each => each.oldClass !== undefined)
  return Promise.all(changed.map(async each => checkWords(each.newClass, await readCheckRecord(folder, each.bundle))))
}
