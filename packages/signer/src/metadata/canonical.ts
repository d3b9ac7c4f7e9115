import { hash } from 'node:crypto'
import { canonicalize } from '@tufjs/canonical-json'
import type { Json } from '@instar/core'

export type JsonObject = { readonly [key: string]: Json }

/**
 * TUF's canonical form (OLPC): what is signed and hashed. Call {@link flawOfValues} first for what came from elsewhere: the form is
 * one-to-one, and itself JSON, only for the values that it lets pass.
 */
export function canonicalBytes(value: Json): Uint8Array {
  return new Uint8Array(Buffer.from(canonicalize(value), 'utf8'))
}

export function canonicalHash(value: Json): string {
  return hashOf(canonicalBytes(value))
}

/** sha-256 in hexadecimal: core's is portable, this one is eight times as fast, which counts for what nobody has signed yet. */
export function hashOf(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

/**
 * Why a value has no safe canonical form; undefined when it has one. Numbers beyond the safe integers would be read differently by
 * other tools; control characters would stand unescaped in the canonical form, which only the line ends of a public key may, and in
 * what others wrote any (`allowed`: the TUF specification forbids none); a lone surrogate and U+FFFD would share one encoding, so that two
 * bodies had one signature. The depth is bounded by the scan that came before.
 */
export function flawOfValues(value: Json, controlCharacters: 'refused' | 'allowed' = 'refused'): string | undefined {
  if (typeof value === 'string') return flawOfText(value, controlCharacters)
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? undefined : 'a number is not a safe integer'
  }
  if (value === null || typeof value === 'boolean') return undefined
  if (isArray(value)) {
    for (const each of value) {
      const flaw = flawOfValues(each, controlCharacters)
      if (flaw !== undefined) return flaw
    }
    return undefined
  }
  for (const key of Object.keys(value)) {
    const flaw = flawOfText(key, controlCharacters) ?? flawOfValues(value[key] as Json, controlCharacters)
    if (flaw !== undefined) return flaw
  }
  return undefined
}

const controlCharacter = /[\u0000-\u001f\u007f]/

/** The one kind of text that has line ends and is shown to nobody: a public key as TUF writes it. */
const publicKeyText = /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]{1,2000}\n-----END PUBLIC KEY-----\n?$/

function flawOfText(text: string, controlCharacters: 'refused' | 'allowed'): string | undefined {
  const printable = controlCharacters === 'allowed' || !controlCharacter.test(text) || publicKeyText.test(text)
  return text.isWellFormed() && printable ? undefined : 'a text has a control character or half a surrogate pair'
}

export function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of an own property: a document cannot reach into a prototype. */
export function field(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

export function positiveInteger(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 ? value : undefined
}

const digest = /^[0-9a-f]{64}$/

export function digestText(value: Json | undefined): string | undefined {
  return typeof value === 'string' && digest.test(value) ? value : undefined
}
