import { InstarError, messageOf, parseBoundedJson, type Json, type Verdict } from '@instar/core'
import { digestText, field, flawOfValues, isArray, isObject, type JsonObject } from '../metadata/canonical.js'
import { parseSignatures, type Signature } from '../metadata/document.js'
import { kinds } from './kinds/table.js'
import type { Base, Proposal, ProposalKind } from './proposal.js'

const limits = { bytesMax: 16 * 1024 * 1024, depthMax: 14, itemsMax: 1_000_000 }

/** Readable JSON: people look into it before they sign. */
export function encodeProposal(proposal: Proposal): Uint8Array {
  const signatures = proposal.signatures.map(({ keyId, sig }) => ({ keyid: keyId, sig }))
  return new TextEncoder().encode(`${JSON.stringify({ ...proposal, signatures }, undefined, 2)}\n`)
}

/**
 * Reads a proposal file. It may come from anyone: what it says is checked against what is trusted when it is signed or finished.
 *
 * @throws InstarError BadInput when the file is no proposal
 */
export function parseProposal(bytes: Uint8Array): Proposal {
  const file = accepted(parseBoundedJson(bytes, limits))
  if (!isObject(file) || field(file, 'format') !== 1) throw bad('it is not of a format that is known here')
  const kind = readKind(field(file, 'kind'))
  const network = digestText(field(file, 'network'))
  if (network === undefined) throw bad('it does not say of which network it is')
  const proposal = {
    format: 1,
    kind,
    network,
    base: readBase(field(file, 'base')),
    change: readChange(kind, field(file, 'change')),
    body: readBody(field(file, 'body')),
    signatures: readSignatures(field(file, 'signatures'))
  }
  // The change was read by the rules of this very kind.
  return Object.freeze(proposal) as Proposal
}

function readKind(value: Json | undefined): ProposalKind {
  const kind = (Object.keys(kinds) as ProposalKind[]).find(each => each === value)
  if (kind === undefined) throw bad('it is of no kind that is known here')
  return kind
}

function readChange(kind: ProposalKind, value: Json | undefined): Proposal['change'] {
  try {
    return kinds[kind].parse(value)
  } catch (cause) {
    throw bad(`its change is malformed (${messageOf(cause, 200)})`)
  }
}

function readBase(value: Json | undefined): Base {
  const version = isObject(value) ? field(value, 'version') : undefined
  const hash = isObject(value) ? digestText(field(value, 'hash')) : undefined
  const isNumber = typeof version === 'number' && Number.isSafeInteger(version) && version >= 0
  if (!isNumber || hash === undefined) throw bad('it does not say which document it follows')
  return { version, hash }
}

function readBody(value: Json | undefined): JsonObject {
  if (!isObject(value)) throw bad('it has no body')
  const flaw = flawOfValues(value)
  if (flaw !== undefined) throw bad(flaw)
  return value
}

function readSignatures(value: Json | undefined): readonly Signature[] {
  if (value !== undefined && isArray(value) && value.length === 0) return []
  return accepted(parseSignatures(value))
}

function accepted<T>(verdict: Verdict<T>): T {
  if (verdict.verdict === 'accept') return verdict.value
  throw bad(verdict.detail)
}

function bad(flaw: string): InstarError {
  return new InstarError('BadInput', `This is not a proposal that can be used: ${flaw}.`)
}
