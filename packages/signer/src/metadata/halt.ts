import { z } from 'zod'
import type { JsonObject } from './canonical.js'
import { digest, parseValue, readDelegatedValues } from './delegated-targets.js'
import { readPathVersion } from './target-entry.js'

export const haltOrderSchema = z.strictObject({
  format: z.literal(1),
  version: z.int().min(1),
  /** Of the version that is meant: one number may have had two histories (§6). */
  chainId: digest,
  order: z.enum(['halt', 'resume']),
  /** Withdraw the simulation objects of the version too (§4). */
  unload: z.boolean(),
  reason: z.string().max(300),
  at: z.iso.datetime()
})

/** A signed word that a version must stop, or may go on (§4). */
export type HaltOrder = Readonly<z.infer<typeof haltOrderSchema>>

export interface HaltMetadata {
  readonly orders: ReadonlyMap<number, HaltOrder>
}

const prefix = 'halt/'

export function haltPath(version: number): string {
  return `${prefix}${version}`
}

/** @throws TypeError when the body is no halt document */
export function readHalt(signed: JsonObject): HaltMetadata {
  const orders = new Map<number, HaltOrder>()
  for (const [path, value] of readDelegatedValues(signed)) {
    if (!path.startsWith(prefix)) throw new TypeError(`target ${path} is not a halt's`)
    const version = readPathVersion(path, prefix)
    const order = parseValue(haltOrderSchema, path, value)
    if (order.version !== version) throw new TypeError(`target ${path} speaks of version ${order.version}`)
    orders.set(version, order)
  }
  return { orders }
}
