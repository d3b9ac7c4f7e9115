import { command, defineContract, query } from '@instar/simulator-runtime'
import * as z from 'zod'

/** Few characters, so that the classes have others to end a key with where something follows it. */
const key = z.string().regex(/^[\w.:/-]{1,200}$/)
const text = z.string().max(65_536)
const prefix = z.string().max(200)
const limit = z.int().min(1).max(1000)

/** Version 1: keys and texts. */
export const keyValue = defineContract('KeyValue', {
  put: command(z.tuple([key, text]), z.void()),
  /** Whether it was there. */
  delete: command(z.tuple([key]), z.boolean()),
  get: query(z.tuple([key]), text.nullable()),
  /** The first keys with this prefix, in order. */
  list: query(z.tuple([prefix, limit]), z.array(key))
})

const value = z.union([text, z.number(), z.boolean()])
export type Value = z.infer<typeof value>

/** `ttlMs`: how long the value lasts; without it, until it is deleted. */
const lifetime = z.object({ ttlMs: z.int().min(1).max(1e12).optional() })
export type Lifetime = z.infer<typeof lifetime>

const expiresAt = z.int().nullable()
const entry = z.object({ value, expiresAt })
export type Entry = z.infer<typeof entry>

/** Version 2: values have a type, and may expire. What has expired is not there. */
export const typedKeyValue = defineContract('TypedKeyValue', {
  put: command(z.tuple([key, value, lifetime]), z.void()),
  delete: command(z.tuple([key]), z.boolean()),
  /** Gives the space of what has expired back: at most `limit` entries, the longest expired first. Answers with their keys. */
  sweep: command(z.tuple([limit]), z.array(key)),
  get: query(z.tuple([key]), entry.nullable()),
  list: query(z.tuple([prefix, limit]), z.array(entry.extend({ key })))
})

/** Numbers of writes that somebody has seen: of one store, each write has another one. */
const context = z.array(z.int().min(0)).max(1000)
/** `value` is null where somebody deleted the key while others wrote it, and where it has expired beside others. */
const sibling = entry.extend({ version: z.int().min(0), value: value.nullable() })
export type Sibling = z.infer<typeof sibling>

/** How many values of one key may be in conflict. */
export const siblingsMax = 16

/**
 * Version 3: whoever writes says what they have seen, and replaces that and nothing else. What was written meanwhile by others stays beside
 * it: the key is in conflict until somebody who has seen all of it writes, or chooses.
 */
export const causalKeyValue = defineContract('CausalKeyValue', {
  /** Answers with the number of this write. */
  put: command(z.tuple([key, value, lifetime.extend({ context })]), z.int()),
  /** Whether anything was deleted. */
  delete: command(z.tuple([key, context]), z.boolean()),
  /** Of the values in conflict, keeps this one. */
  resolve: command(z.tuple([key, z.int().min(0)]), z.void()),
  sweep: command(z.tuple([limit]), z.array(z.object({ key, version: z.int() }))),
  /** The oldest first, none if there is nothing but deletions; `context` is to be handed to the write that follows from it. */
  get: query(z.tuple([key]), z.object({ values: z.array(sibling), context })),
  list: query(z.tuple([prefix, limit]), z.array(key))
})

/** Version 4: also says where somebody has to choose. */
export const reviewedKeyValue = defineContract('CausalKeyValue', {
  ...causalKeyValue.methods,
  /** The first keys with this prefix that are in conflict. */
  conflicts: query(z.tuple([prefix, limit]), z.array(key))
})
