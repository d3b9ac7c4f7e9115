import { accept, reject, type Verdict } from '@instar/core'
import { z } from 'zod'
import { canonicalHash } from '../metadata/canonical.js'
import type { Document, Held } from '../metadata/document.js'
import { activeOf, registerRoles } from './online-registers.js'
import { freshUntilMs, trustedUpgrades } from './reading.js'
import { evidenceOf } from './settle.js'
import type { TrustState } from './state.js'

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const head = z.strictObject({
  version: z.int().min(1),
  /** sha-256 of the canonical `signed` body: equal however many signatures a copy carries. */
  hash: digest
})

/** What else a later release says of itself is passed over, and no offence (§16). */
const headsSchema = z.object({
  format: z.literal(1),
  network: digest,
  root: head.optional(),
  targets: head.optional(),
  /** Of the delegated roles: absent too while no targets say who holds them. */
  halt: head.optional(),
  admission: head.optional(),
  snapshot: head.optional(),
  timestamp: head.optional(),
  /** 0 when nothing vouches for what is held. */
  freshUntilMs: z.int().min(0),
  /** How many descriptors are held without a gap from 1. */
  descriptors: z.int().min(0).max(1_000_000),
  /** Of the documents kept as evidence in all registers, `evidenceHead`; absent without any. */
  evidence: digest.optional()
})

/** What a peer holds, in a few hundred bytes: goes into hello and gossip. JSON-able. */
export type Heads = Readonly<z.infer<typeof headsSchema>>
/** The newest version of one document, and its hash. */
export type Head = Readonly<z.infer<typeof head>>

/** The newest of each document that is trusted here, for hellos and announcements. */
export function headsOf(state: TrustState): Heads {
  return {
    format: 1,
    network: state.network,
    ...headOf('root', state.roots.at(-1)),
    ...headOf('targets', state.targets),
    ...headOf('halt', activeOf(state, 'halt')),
    ...headOf('admission', activeOf(state, 'admission')),
    ...headOf('snapshot', state.snapshot),
    ...headOf('timestamp', state.timestamp ?? state.timestampAhead),
    freshUntilMs: freshUntilMs(state),
    descriptors: trustedUpgrades(state).length,
    ...evidenceHead(state)
  }
}

/** One hash over all: heads stay below 1 KiB, and who holds other evidence than we do is asked for the whole of it, which is little. */
function evidenceHead(state: TrustState): Pick<Heads, 'evidence'> {
  const hashes = evidenceToShare(state).map(each => each.bodyHash)
  return hashes.length === 0 ? {} : { evidence: canonicalHash(hashes.sort()) }
}

/** Nobody could verify a halt or an admission document while there are no targets. */
function evidenceToShare(state: TrustState): readonly Held<unknown>[] {
  return state.targets === undefined ? [] : evidenceOf(state)
}

function headOf<Role extends string>(role: Role, document: Document | undefined): Partial<Record<Role, Head>> {
  if (document === undefined) return {}
  return { [role]: { version: document.version, hash: document.bodyHash } } as Record<Role, Head>
}

/** Checks heads that a peer sent, already parsed from its frame. Never throws. */
export function parseHeads(value: unknown): Verdict<Heads> {
  const parsed = headsSchema.safeParse(value)
  if (parsed.success) return accept(parsed.data)
  return reject('NotHeads', z.prettifyError(parsed.error).replace(/\n/g, ' ').slice(0, 300))
}

/**
 * What a peer with these heads lacks, in feeding order: root chain, targets, halt and admission with all evidence, snapshot, timestamp,
 * descriptors. A peer that holds more than this state gets nothing. Bounded by what is held: the sender cuts it into answers.
 */
export function documentsAhead(state: TrustState, heads: Heads): readonly Uint8Array[] {
  if (heads.network !== state.network) return []
  const ahead: Held<unknown>[] = state.roots.slice(heads.root?.version ?? 0)
  // Under another delegator the peer may have to drop what it holds, however high its number: then it lacks ours.
  const rotates = ahead.length > 0
  let judgesAnew = rotates
  for (const role of registerRoles) {
    const [held, theirs] = [activeOf(state, role), heads[role]]
    if (held === undefined || held.bodyHash === theirs?.hash) continue
    if (!judgesAnew && !isAhead(held, theirs)) continue
    ahead.push(held)
    if (role === 'targets') judgesAnew = true
  }
  if (evidenceHead(state).evidence !== heads.evidence) ahead.push(...evidenceToShare(state))
  const { snapshot, timestamp, timestampAhead } = state
  if (snapshot !== undefined && isAhead(snapshot, rotates ? undefined : heads.snapshot)) ahead.push(snapshot)
  const fresher = freshUntilMs(state) > heads.freshUntilMs
  for (const each of [timestamp, timestampAhead]) {
    if (each === undefined || each.bodyHash === heads.timestamp?.hash) continue
    if (rotates || fresher || isAhead(each, heads.timestamp)) ahead.push(each)
  }
  const descriptors = trustedUpgrades(state).slice(heads.descriptors)
  return [...ahead.map(each => each.bytes), ...descriptors.map(each => each.descriptorBytes)]
}

/** Higher, or of the same number with another body: of the two every peer prefers the same, or keeps both as evidence. */
function isAhead(document: Document, known: Head | undefined): boolean {
  if (known === undefined || document.version > known.version) return true
  return document.version === known.version && document.bodyHash !== known.hash
}

/** Whether a peer with these heads holds, or may hold, something that this state lacks: then pull from it. */
export function isBehind(state: TrustState, heads: Heads): boolean {
  if (heads.network !== state.network) return false
  const mine = headsOf(state)
  const behind = (role: 'root' | 'targets' | 'halt' | 'admission' | 'snapshot') => {
    const theirs = heads[role]
    const own = mine[role]
    if (theirs === undefined || theirs.hash === own?.hash) return false
    return own === undefined || theirs.version >= own.version
  }
  return (
    behind('root') ||
    registerRoles.some(behind) ||
    behind('snapshot') ||
    heads.freshUntilMs > mine.freshUntilMs ||
    heads.descriptors > mine.descriptors ||
    (heads.evidence !== undefined && heads.evidence !== mine.evidence)
  )
}
