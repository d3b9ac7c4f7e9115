import {
  descriptorHash,
  encodeDescriptor,
  encodeManifest,
  InstarError,
  messageOf,
  parseBoundedJson,
  parseDescriptor,
  parseManifest,
  type Descriptor,
  type Json,
  type Manifest,
  type Verdict
} from '@instar/core'
import {
  digestText,
  field,
  flawOfValues,
  isArray,
  isObject,
  positiveInteger,
  type JsonObject
} from '../metadata/canonical.js'
import { parseSignatures, type Signature } from '../metadata/document.js'
import { readTargets } from '../metadata/targets.js'
import { assertManifestsFit, type Proposal } from './proposal.js'

const limits = { bytesMax: 16 * 1024 * 1024, depthMax: 12, itemsMax: 1_000_000 }
const manifestsMax = 64

/** Readable JSON: people look into it before they sign. */
export function encodeProposal(proposal: Proposal): Uint8Array {
  const signatures = proposal.signatures.map(({ keyId, sig }) => ({ keyid: keyId, sig }))
  return new TextEncoder().encode(`${JSON.stringify({ ...proposal, signatures }, undefined, 2)}\n`)
}

/**
 * Reads a proposal file. It may come from anyone: what it says is checked against what is trusted when it is signed or finished.
 *
 * @throws InstarError BadInput when the file is no proposal, or its parts do not belong together
 */
export function parseProposal(bytes: Uint8Array): Proposal {
  const file = accepted(parseBoundedJson(bytes, limits))
  if (!isObject(file) || field(file, 'format') !== 1) throw bad('it is not of a format that is known here')
  const descriptor = readDescriptor(field(file, 'descriptor'))
  const manifests = readManifests(field(file, 'manifests'))
  assertManifestsFit(descriptor, manifests)
  return Object.freeze({
    format: 1,
    network: descriptor.network,
    base: readBase(field(file, 'base')),
    targets: readBody(field(file, 'targets'), descriptor),
    descriptor,
    manifests,
    signatures: readSignatures(field(file, 'signatures'))
  })
}

function readDescriptor(value: Json | undefined): Descriptor {
  if (!isObject(value)) throw bad('it has no descriptor')
  return accepted(parseDescriptor(encodeDescriptor(value as unknown as Descriptor)))
}

function readManifests(value: Json | undefined): readonly Manifest[] {
  if (value === undefined || !isArray(value) || value.length > manifestsMax) throw bad('it has no list of manifests')
  return value.map(each => accepted(parseManifest(encodeManifest(each as unknown as Manifest))))
}

function readBase(value: Json | undefined): Proposal['base'] {
  const revision = isObject(value) ? positiveInteger(field(value, 'revision')) : undefined
  const hash = isObject(value) ? digestText(field(value, 'hash')) : undefined
  if (revision === undefined || hash === undefined) throw bad('it does not say which targets it follows')
  return { revision, hash }
}

function readBody(value: Json | undefined, descriptor: Descriptor): JsonObject {
  if (!isObject(value) || field(value, '_type') !== 'targets') throw bad('it has no targets')
  const flaw = flawOfValues(value)
  if (flaw !== undefined) throw bad(flaw)
  let named: string | undefined
  try {
    named = readTargets(value).upgrades.get(descriptor.version)?.hash
  } catch (cause) {
    throw bad(messageOf(cause))
  }
  if (named !== descriptorHash(descriptor)) throw bad('its targets name another descriptor than the one it shows')
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
