import { InstarError } from '@instar/core'
import { z } from 'zod'
import { appendLines, parseLines, readLineFile } from './line-file.js'

/** What a signer promised: one body for each number, for ever (§5). */
export interface Ledger {
  /**
   * Records promises durably before it returns, all or none. Repeating a promise is fine.
   *
   * @throws InstarError ProposalConflict when another body was signed for one of the numbers
   */
  promise(promises: readonly SigningPromise[]): Promise<void>
}

const promiseSchema = z.strictObject({
  format: z.literal(1),
  network: z.string(),
  keyId: z.string(),
  /** What the number counts: the revisions of a role, or an upgrade's version. */
  kind: z.enum(['targets', 'upgrade', 'root', 'halt', 'admission']),
  number: z.int().min(1),
  /** sha-256 of the canonical body, or of the descriptor. */
  hash: z.string(),
  atMs: z.int()
})

/** What a key has signed once: it signs no second body under the same number. */
export type SigningPromise = Readonly<Omit<z.infer<typeof promiseSchema>, 'format'>>

/**
 * Opens an append-only ledger file: one promise a line, made (mode 0600) when it does not exist. A last line that was torn by a crash is
 * dropped: its signature was never given. It is read again for each promise, so that two tools on one file see each other.
 */
export function openLedger(file: string): Ledger {
  return {
    async promise(promises) {
      const text = await readLineFile(file)
      const known = parseLedger(text, file)
      const fresh = promises.filter(promise => !isKept(known, promise))
      if (fresh.length === 0) return
      await appendLines(
        file,
        text,
        fresh.map(each => ({ format: 1, ...each }))
      )
      // Another tool may have appended since: of two promises for one number the first in the file is the one that counts.
      const after = parseLedger(await readLineFile(file), file)
      for (const promise of promises) isKept(after, promise)
    }
  }
}

/** @throws InstarError ProposalConflict */
function isKept(known: readonly SigningPromise[], promise: SigningPromise): boolean {
  const { network, keyId, kind, number, hash } = promise
  const before = known.find(
    each => each.network === network && each.keyId === keyId && each.kind === kind && each.number === number
  )
  if (before === undefined) return false
  if (before.hash === hash) return true
  const what = kind === 'upgrade' ? `version ${number}` : `${kind} revision ${number}`
  throw new InstarError(
    'ProposalConflict',
    `This key signed another ${what} on ${new Date(before.atMs).toISOString()}: a second one would freeze it on every peer. Use the next number, or publish what was signed.`,
    { detail: { kind, number, signed: before.hash, refused: hash } }
  )
}

/** Exported for the fuzzer: the file is local, and what it forbids is all that stands between a key and two bodies for one number. */
export function parseLedger(text: string, file: string): readonly SigningPromise[] {
  return parseLines(
    text,
    json => promiseSchema.parse(json),
    line =>
      new InstarError(
        'BadInput',
        `Line ${line} of the ledger ${file} is damaged: restore the file from a copy. Without it nothing is signed, because it says what must not be signed twice.`,
        { detail: { path: file, line } }
      )
  )
}
