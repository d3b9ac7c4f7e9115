import { InstarError } from '@instar/core'
import { canonicalBytes, field, hashOf, isObject, positiveInteger, type JsonObject } from '../metadata/canonical.js'
import type { TrustState } from '../trust/state.js'
import { defaultExpiry, toExpires, type Expiry } from './bodies.js'
import { kinds } from './kinds/table.js'
import type { Base, Proposal, ProposalChanges, ProposalKind, ProposalOf } from './proposal.js'
import { registerOf, type ProposedRole } from './register.js'

/** What a proposal is made on. */
export interface ProposeInit {
  readonly trusted: TrustState
  readonly nowMs: number
  readonly expiry?: Partial<Expiry>
  /**
   * What was trusted before a rotation dropped the register. The new document goes on counting above it, because whoever signed under
   * the old numbers keeps the promise of the ledger.
   */
  readonly before?: TrustState
  /** Another number than the next, where somebody has signed another body for that one. Roots have no choice. */
  readonly number?: number
}

/** @throws InstarError when the change does not fit what is trusted */
export function propose<Kind extends ProposalKind>(
  kind: Kind,
  change: ProposalChanges[Kind],
  init: ProposeInit
): ProposalOf<Kind> {
  const { trusted, nowMs } = init
  const { role, next } = kinds[kind]
  const base = registerOf(trusted, role)
  const from = base ?? emptyBase(trusted, role, init.before)
  const version = init.number ?? from.version + 1
  if (version >= Number.MAX_SAFE_INTEGER) throw exhausted(role)
  assertNumber(kind, from.version, version)
  const expires = toExpires(nowMs + { ...defaultExpiry, ...init.expiry }[`${role}Ms`])
  return Object.freeze({
    format: 1,
    kind,
    network: trusted.network,
    base: { version: from.version, hash: base?.bodyHash ?? trusted.network },
    change,
    body: next(trusted, change, { base, version, expires }),
    signatures: []
  })
}

/** The same change on the newest base, without signatures: they were over another body. @throws as {@link propose} */
export function rebaseProposal(proposal: Proposal, init: ProposeInit): Proposal {
  return rebase<ProposalKind>(proposal, init) as Proposal
}

function rebase<Kind extends ProposalKind>({ kind, change }: ProposalOf<Kind>, init: ProposeInit): ProposalOf<Kind> {
  return propose(kind, kinds[kind].rebase?.(change, init.trusted) ?? change, init)
}

/** The body as it must be if the proposal is the next step from what is trusted here and nothing more. @throws InstarError */
export function rebuiltBody<Kind extends ProposalKind>(proposal: ProposalOf<Kind>, trusted: TrustState): JsonObject {
  const { kind, change, body, base } = proposal
  const version = numberOf(proposal as Proposal)
  assertNumber(kind, base.version, version)
  const register = registerOf(trusted, kinds[kind].role)
  // Where nothing is trusted the file says where counting goes on; nobody is to sign the last number there is for that.
  if (register === undefined && base.version > numbersMax) throw exhausted(kinds[kind].role)
  const expires = field(body, 'expires')
  const frame = { base: register, version, expires: typeof expires === 'string' ? expires : '' }
  return kinds[kind].next(trusted, change, frame)
}

export function roleOf(proposal: Proposal): ProposedRole {
  return kinds[proposal.kind].role
}

export function bodyOf(proposal: Proposal): Uint8Array {
  return canonicalBytes(proposal.body)
}

export function bodyHashOf(proposal: Proposal): string {
  return hashOf(bodyOf(proposal))
}

/** The number of the document that is proposed. */
export function numberOf({ body }: Proposal): number {
  return positiveInteger(field(body, 'version')) ?? 0
}

/** More than that are never skipped: numbers are for centuries. */
const skippedMax = 1000

function assertNumber(kind: ProposalKind, base: number, number: number): void {
  const last = kind === 'root' ? base + 1 : base + skippedMax
  if (Number.isSafeInteger(number) && number > base && number <= last) return
  throw new InstarError('BadInput', `A ${kind} document that follows ${base} cannot have the number ${number}.`)
}

/** A register that a rotation dropped never counts on from a number beyond this: the thief's own number may leave no room. */
const numbersMax = 2 ** 52
/** Above what people sign under one delegator. */
const numbersPerDelegator = 1_000_000

/**
 * Where a register begins that holds nothing: its first document ever, or the first after a rotation dropped it. Then it goes on above
 * the numbers that were used, as far as they are known; whoever signed under one of them cannot sign another body for it.
 */
function emptyBase(trusted: TrustState, role: ProposedRole, before: TrustState | undefined): Base {
  const used = Math.max(
    before === undefined ? 0 : (registerOf(before, role)?.version ?? 0),
    namedBySnapshot(trusted, role)
  )
  const delegator = role === 'targets' ? trusted.roots.at(-1) : trusted.targets
  const restart = (delegator?.version ?? 0) * numbersPerDelegator
  // Targets are there from the start, so empty ones were dropped.
  const isNew = used === 0 && role !== 'targets'
  return { version: isNew ? 0 : used > 0 && used < numbersMax ? used : restart, hash: trusted.network }
}

function namedBySnapshot({ snapshot }: TrustState, role: ProposedRole): number {
  const meta = snapshot === undefined ? undefined : field(snapshot.signed, 'meta')
  const entry = isObject(meta) ? field(meta, `${role}.json`) : undefined
  return isObject(entry) ? (positiveInteger(field(entry, 'version')) ?? 0) : 0
}

function exhausted(role: ProposedRole): InstarError {
  return new InstarError(
    'ProposalConflict',
    `The newest ${role} document has the last number there is: nothing can follow it. Somebody misused a key; rotate the keys of ${role}, and the number falls with them.`,
    { detail: { role } }
  )
}
