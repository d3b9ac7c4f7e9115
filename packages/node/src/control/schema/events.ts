import { phases } from '@instar/core'
import { z } from 'zod'
import { neighbourStatusSchema, peerStatusSchema } from './status.js'

const at = z.iso.datetime()
const version = z.int().min(1)

/** What a peer tells as it happens. */
const peerEvents = [
  z.object({
    type: z.literal('phase'),
    at,
    version,
    phase: z.enum(phases),
    reason: z.string().optional()
  }),
  /** Progress inside a phase: a stage of `switchHost`, chunks fetched, entries transformed. */
  z.object({
    type: z.literal('stage'),
    at,
    version,
    stage: z.string(),
    done: z.number().optional(),
    total: z.number().optional()
  }),
  /** Another peer announced something new, appeared, or became unreachable. */
  z.object({ type: z.literal('peer'), at, peer: neighbourStatusSchema }),
  z.object({ type: z.literal('problem'), at, problem: z.string() }),
  z.object({ type: z.literal('stopping'), at })
] as const

/** What stands on the wire: the peer's events, and the whole status at the beginning and after changes. */
export const controlEventSchema = z.discriminatedUnion('type', [
  ...peerEvents,
  z.object({ type: z.literal('status'), at, status: peerStatusSchema })
])

export type PeerEvent = z.infer<(typeof peerEvents)[number]>
export type ControlEvent = z.infer<typeof controlEventSchema>
