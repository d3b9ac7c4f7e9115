/** What a signer promised: one body for each number, for ever (§5). */
export interface Ledger {
  /**
   * Records the promise durably before it returns. Repeating a promise is fine.
   *
   * @throws InstarError ProposalConflict when another body was signed for the number
   */
  promise(promise: SigningPromise): Promise<void>
}

export interface SigningPromise {
  readonly network: string
  readonly keyId: string
  /** What the number counts: a revision of targets, or an upgrade's version. */
  readonly kind: 'targets' | 'upgrade'
  readonly number: number
  /** sha-256 of the canonical body, or of the descriptor. */
  readonly hash: string
  readonly atMs: number
}

/** Opens an append-only ledger file, made (mode 0600) when it does not exist. */
export async function openLedger(_file: string): Promise<Ledger> {
  throw new Error('not yet')
}
