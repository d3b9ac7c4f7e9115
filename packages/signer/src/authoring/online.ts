import { InstarError, invariant } from '@instar/core'
import type { Signer } from '../keys/signer.js'
import { authorizedKeys } from '../trust/holders.js'
import { namesAll } from '../trust/online-registers.js'
import type { TrustState } from '../trust/state.js'
import { trust } from '../trust/trust.js'
import {
  defaultExpiry,
  signDocument,
  snapshotBody,
  timestampBody,
  toExpires,
  type Expiry,
  type SnapshotNumbers
} from './bodies.js'

/** The keys of an online signer, and which numbers it may use: those ≡ `index` (mod `signers`); 0 of 1 where absent (§5). */
export interface OnlineKeys {
  readonly snapshot: Signer
  readonly timestamp: Signer
  readonly index?: number
  readonly signers?: number
}

/**
 * Signs a new timestamp for what is held, and a new snapshot, the *join* of all registers, where the held one does not name them or has
 * passed half its life. Safe to
 * run at several places at once: the later expiry counts.
 *
 * @returns documents in feeding order
 * @throws InstarError KeyNotAuthorized when the root names other keys, NotTrusted when there are no targets to vouch for
 */
export async function refreshTimestamp(
  trusted: TrustState,
  onlineKeys: OnlineKeys,
  nowMs: number,
  expiry: Partial<Expiry> = {}
): Promise<{ readonly documents: readonly Uint8Array[] }> {
  const { snapshotMs, timestampMs } = { ...defaultExpiry, ...expiry }
  assertAuthorized(trusted, onlineKeys)
  const { targets } = trusted
  if (targets === undefined) {
    throw new InstarError(
      'NotTrusted',
      'This peer holds no trusted targets to vouch for: let it catch up with the network first.'
    )
  }
  const documents: Uint8Array[] = []
  let state = trusted
  const { snapshot } = trusted
  if (snapshot === undefined || !namesAll(snapshot, trusted) || snapshot.expiresMs - nowMs < snapshotMs / 2) {
    const version = nextNumber(snapshot?.version ?? 0, onlineKeys)
    const body = snapshotBody(version, joinOf(trusted, targets.version), toExpires(nowMs + snapshotMs))
    const document = await signDocument(body, [onlineKeys.snapshot])
    documents.push(document)
    state = adopt(state, document, nowMs)
  }
  invariant(state.snapshot !== undefined, 'a snapshot is held that names the targets')
  const newest = Math.max(trusted.timestamp?.version ?? 0, trusted.timestampAhead?.version ?? 0)
  const body = timestampBody(nextNumber(newest, onlineKeys), state.snapshot.version, toExpires(nowMs + timestampMs))
  return { documents: [...documents, await signDocument(body, [onlineKeys.timestamp])] }
}

/** Per register the highest that is held (§5). */
function joinOf({ halt, admission }: TrustState, targets: number): SnapshotNumbers {
  return {
    targets,
    ...(halt === undefined ? {} : { halt: halt.version }),
    ...(admission === undefined ? {} : { admission: admission.version })
  }
}

/** Whether these keys may vouch for the network now. @throws InstarError KeyNotAuthorized */
export function assertAuthorized(trusted: TrustState, onlineKeys: OnlineKeys): void {
  for (const role of ['snapshot', 'timestamp'] as const) {
    const { keyId } = onlineKeys[role].key
    if (!authorizedKeys(trusted, role).includes(keyId)) {
      throw new InstarError(
        'KeyNotAuthorized',
        `The root of this network does not name key ${keyId.slice(0, 8)} for ${role}.`,
        {
          detail: { role, keyId }
        }
      )
    }
  }
}

/** The next number that this signer may use: two signers never use the same one. */
export function nextNumber(after: number, { index = 0, signers = 1 }: Pick<OnlineKeys, 'index' | 'signers'>): number {
  invariant(index >= 0 && index < signers, 'a signer has an index below their number')
  const next = after + 1
  const number = next + ((((index - next) % signers) + signers) % signers)
  if (Number.isSafeInteger(number)) return number
  throw new InstarError(
    'ProposalConflict',
    'The online documents have the last number there is: nothing can follow. Somebody misused a key; rotate the keys of snapshot and timestamp, and the number falls with them.'
  )
}

/** What we signed ourselves must be trusted by our own rules before anyone else sees it. */
export function adopt(state: TrustState, document: Uint8Array, nowMs: number): TrustState {
  const { verdict, state: next } = trust(state, document, nowMs)
  invariant(verdict.verdict === 'accept', `our own document was refused: ${JSON.stringify(verdict)}`)
  return next
}
