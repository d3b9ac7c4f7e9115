import { isDeepStrictEqual } from 'node:util'
import { accept, messageOf, reject, type Verdict } from '@instar/core'
import type { JsonObject } from './canonical.js'
import type { Document } from './document.js'

/**
 * Reads the model of a document whose signatures have verified. `read` throws on what is malformed; it may go through
 * `@tufjs/models`, whose parsing is super-linear and therefore never sees what nobody signed (R19).
 */
export function readModel<Model>(document: Document, read: (signed: JsonObject) => Model): Verdict<Model> {
  try {
    return accept(read(document.signed))
  } catch (cause) {
    return reject('BadMetadata', `${document.role} ${document.version}: ${messageOf(cause)}`)
  }
}

/** The model must say exactly what was signed: what it drops or defaults would be trusted without a signature. */
export function assertSame(model: unknown, signed: unknown): void {
  if (!isDeepStrictEqual(model, signed)) throw new TypeError('the model says something else than the signed body')
}
