/**
 * What a peer makes of bytes that another peer sent: a value, never a throw.
 *
 * `reject` is only for what is wrong under every trust state (malformed, oversize, bad self-signature) and costs the sender
 * its score; what newer metadata might make valid is `ignore`, followed by a sync with the sender (§13).
 */
export type Verdict<T> =
  | { readonly verdict: 'accept'; readonly value: T }
  | { readonly verdict: 'ignore'; readonly code: string; readonly detail: string }
  | { readonly verdict: 'reject'; readonly code: string; readonly detail: string }

/** The bytes are valid. */
export function accept<T>(value: T): Verdict<T> {
  return { verdict: 'accept', value }
}

/** Nothing can be said of the bytes now; newer metadata might make them valid. */
export function ignore(code: string, detail: string): Verdict<never> {
  return { verdict: 'ignore', code, detail }
}

/** The bytes are wrong under every trust state: their sender is to blame. */
export function reject(code: string, detail: string): Verdict<never> {
  return { verdict: 'reject', code, detail }
}
