import { randomBytes } from 'node:crypto'
import { accept, InstarError, reject, type Verdict } from '@instar/core'
import { z } from 'zod'
import { toExpires } from '../authoring/bodies.js'
import type { JsonObject } from '../metadata/canonical.js'
import type { AdmissionType } from './envelope.js'

const dayMs = 86_400_000
/** Nobody is admitted for longer at once (§5): a certificate that nobody renews is soon gone by itself. */
export const certificateLifeMaxMs = 90 * dayMs
/** The clock of who signs may be ahead of the clock of who judges by so much. */
const clockToleranceMs = 10 * 60_000

/** Who is admitted as what, and for how long. */
export interface AdmissionTerms {
  readonly class: string
  readonly groups: readonly string[]
  readonly notBeforeMs: number
  readonly expiresMs: number
  /** 32 hexadecimal digits, random: what is revoked is named by it. */
  readonly serial: string
}

/** What an admission is made of; the rest follows. */
export interface TermsInit {
  readonly network: string
  readonly class: string
  readonly groups?: readonly string[]
  readonly nowMs: number
  /** At most {@link certificateLifeMaxMs}. */
  readonly lifeMs: number
  readonly serial?: string
}

const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  .refine(text => !Number.isNaN(Date.parse(text)))
const name = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/
const group = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** The fields that a certificate and an invitation share, as they are signed. */
export const termsFields = {
  format: z.literal(1),
  network: z.string(),
  class: z.string().regex(name),
  groups: z.array(z.string().regex(group)).max(16),
  notBefore: time,
  expires: time,
  serial: z.string().regex(/^[0-9a-f]{32}$/)
}

/** The terms in what a schema has read. */
export function termsOf(read: {
  class: string
  groups: string[]
  notBefore: string
  expires: string
  serial: string
}): Verdict<AdmissionTerms> {
  const notBeforeMs = Date.parse(read.notBefore)
  const expiresMs = Date.parse(read.expires)
  if (expiresMs <= notBeforeMs) return reject('NotACertificate', 'it ends before it begins')
  if (expiresMs - notBeforeMs > certificateLifeMaxMs)
    return reject('NotACertificate', 'it is for longer than the 90 days that anybody is admitted for at once')
  return accept({ class: read.class, groups: read.groups, notBeforeMs, expiresMs, serial: read.serial })
}

/** The shared part of a body to be signed. @throws InstarError BadInput */
export function termsBody(type: AdmissionType, init: TermsInit): JsonObject & { readonly notBefore: string } {
  const { network, lifeMs, nowMs } = init
  if (!Number.isSafeInteger(lifeMs) || lifeMs < 1000 || lifeMs > certificateLifeMaxMs)
    throw new InstarError('BadInput', 'An admission is for at least a second and at most 90 days: renew it in time.')
  const expiresMs = nowMs + lifeMs
  const body = {
    _type: type,
    format: 1,
    network,
    class: init.class,
    groups: [...new Set(init.groups ?? [])].sort(),
    notBefore: toExpires(Math.max(nowMs - clockToleranceMs, expiresMs - certificateLifeMaxMs)),
    expires: toExpires(expiresMs),
    serial: init.serial ?? randomBytes(16).toString('hex')
  }
  const parsed = z.looseObject(termsFields).safeParse(body)
  if (parsed.success) return body
  throw new InstarError('BadInput', `Nobody can be admitted on these terms: ${flawOf(parsed.error)}.`)
}

export function flawOf(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ')
    .slice(0, 300)
}
