import { z } from 'zod'
import { groupName, isoTime } from './fields.js'

const strategySchema = z.discriminatedUnion('type', [
  /** As soon as the other gates are open. */
  z.strictObject({ type: z.literal('eager') }),
  /** At most `maxUnavailable` peers of a group (all peers of the class where absent) at once, in the order of their ids. */
  z.strictObject({
    type: z.literal('rolling'),
    maxUnavailable: z.int().min(1).max(10_000),
    group: groupName.optional()
  }),
  /** From a moment on. */
  z.strictObject({ type: z.literal('at'), time: isoTime }),
  /** When an operator of this peer approves. */
  z.strictObject({ type: z.literal('manual') })
])

/** A scheduling function as data, and the deadline that gives it liveness (R16). */
export const scheduleSchema = z.strictObject({
  strategy: strategySchema,
  /** After this moment a peer goes ahead whatever the strategy says; it answers for the schedule gate only (§1). */
  deadline: isoTime,
  /** Late peers go spread out by hash over this time, never all at once (R16). */
  deadlineSpreadMs: z
    .int()
    .min(0)
    .max(30 * 86_400_000)
})

/** When a peer is to upgrade, once trust, health and limit allow it. */
export type Strategy = Readonly<z.infer<typeof strategySchema>>
/** A strategy with the deadline that ends its say. */
export type Schedule = Readonly<z.infer<typeof scheduleSchema>>
