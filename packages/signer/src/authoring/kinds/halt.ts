import { InstarError } from '@instar/core'
import { z } from 'zod'
import { canonicalBytes, type JsonObject } from '../../metadata/canonical.js'
import { documentBytesMax } from '../../metadata/document.js'
import { haltOrderSchema, haltPath, type HaltOrder } from '../../metadata/halt.js'
import { haltsOf } from '../../trust/halts.js'
import type { TrustState } from '../../trust/state.js'
import { delegatedBody } from '../bodies.js'
import { notProposed, type BodyRules, type Frame } from '../register.js'

/** Words on versions: stop, or go on. Without any, the same words for longer. */
export interface HaltChange {
  readonly orders: readonly HaltOrder[]
}

/** What `halt` and `resume` are told. */
export interface HaltInit {
  readonly version: number
  readonly order: 'halt' | 'resume'
  readonly unload?: boolean
  readonly reason: string
  readonly nowMs: number
}

/** Room for 16 signatures and what surrounds them. */
const envelopeBytes = 5000

const changeSchema = z.strictObject({ orders: z.array(haltOrderSchema).max(100) })

export const haltKind: BodyRules<HaltChange> = {
  role: 'halt',
  next: nextHalt,
  parse: value => changeSchema.parse(value)
}

/** The order for one version as it is trusted here. @throws InstarError UnknownVersion, BadInput */
export function orderFor(trusted: TrustState, { version, order, unload, reason, nowMs }: HaltInit): HaltOrder {
  const named = trusted.named.run[version - 1]
  if (named === undefined) {
    throw new InstarError(
      'UnknownVersion',
      `Version ${version} is not known here; the newest is ${trusted.named.run.length}.`
    )
  }
  if (order === 'resume' && unload === true) throw notProposed('what goes on is not unloaded')
  const at = new Date(nowMs).toISOString()
  return accepted({
    format: 1,
    version,
    chainId: named.chainId,
    order,
    unload: unload ?? false,
    reason,
    at
  })
}

function accepted(order: HaltOrder): HaltOrder {
  const parsed = haltOrderSchema.safeParse(order)
  if (parsed.success) return parsed.data
  throw notProposed('its reason is longer than 300 characters')
}

/** Every word that counts at all, and the new ones in place of older ones on the same version. */
function nextHalt(trusted: TrustState, { orders }: HaltChange, { version, expires }: Frame): JsonObject {
  const words = new Map([...haltsOf(trusted), ...orders.map(each => [each.version, each] as const)])
  if (new Set(orders.map(each => each.version)).size !== orders.length)
    throw notProposed('it says two things of one version')
  const said = new Set(orders.map(each => each.version))
  for (const order of orders) {
    const named = trusted.named.run[order.version - 1]
    // After a rotation dropped the targets nothing is named; the words on it were true before.
    if (named !== undefined && named.chainId !== order.chainId)
      throw notProposed(`it means another version ${order.version} than this network's`)
  }
  for (;;) {
    const body = delegatedBody('halt', version, valuesOf(words), expires)
    if (canonicalBytes(body).byteLength + envelopeBytes <= documentBytesMax.halt) return body
    const oldest = dispensable(words, said)
    if (oldest === undefined) throw notProposed('it is too long; shorten the reasons')
    words.delete(oldest)
  }
}

/**
 * The lowest version that needs no word any more where there is no room for all: halting must stay possible in the hundredth year.
 * Leaving out a `resume` changes nothing for whoever has no older halt of that version.
 */
function dispensable(words: ReadonlyMap<number, HaltOrder>, said: ReadonlySet<number>): number | undefined {
  const free = [...words.values()].filter(each => !said.has(each.version) && each.order === 'resume')
  return free.length === 0 ? undefined : Math.min(...free.map(each => each.version))
}

function valuesOf(words: ReadonlyMap<number, HaltOrder>): readonly (readonly [string, JsonObject])[] {
  const sorted = [...words.values()].sort((a, b) => a.version - b.version)
  return sorted.map(order => [haltPath(order.version), { ...order }] as const)
}
