import { phases, simulationModels, stateKinds } from '@instar/core'
import { z } from 'zod'
import { trialReportSchema } from './trial.js'

/** The four gates of §1; an upgrade needs all of them open. */
const gateNames = ['trust', 'health', 'limit', 'schedule'] as const

const gateReasonSchema = z.object({
  gate: z.enum(gateNames),
  open: z.boolean(),
  reason: z.string().meta({ description: 'One sentence.' }),
  rule: z.string().optional().meta({ description: 'The rule or section that closes it, for example `R17` or `§1`.' }),
  waitsFor: z.array(z.string()).meta({ description: 'The peers it waits for, by id; empty when it waits for none.' }),
  lookAgainAt: z.iso.datetime().optional()
})

const versionReasonSchema = z.object({
  version: z.int().min(1),
  title: z.string(),
  phase: z.enum(phases),
  summary: z.string().meta({ description: 'One sentence: where the version stands here and what has to happen next.' }),
  gates: z
    .array(gateReasonSchema)
    .meta({ description: 'Empty where no gate is asked: settled versions, other peers.' }),
  trial: trialReportSchema.optional().meta({ description: 'While it is on trial here (§15); `judged` says by what.' }),
  judged: z
    .string()
    .optional()
    .meta({ description: 'What ends its trial well, and what does not. Absent where `back` is.' }),
  back: z.string().optional().meta({
    description:
      'What going back from it keeps and loses (R22). Absent for other peers, and where the version leaves the class alone.'
  })
})

/** Whatever serves a contract here. */
const facadeReasonSchema = z.object({
  version: z.int().min(1).meta({ description: 'The version that brought the contract; later ones may share it.' }),
  role: z.enum(['object', 'past', 'future']),
  state: z.enum(stateKinds).optional().meta({ description: 'Of the object: where it keeps its state (§8).' }),
  model: z.enum(simulationModels).optional().meta({ description: 'Of a simulation object (R11).' })
})

const faultReasonSchema = z.object({
  class: z.string(),
  version: z.int().min(1).meta({ description: 'The version that brought its contract.' }),
  role: z.enum(['object', 'past', 'future']).optional(),
  method: z.string().meta({ description: 'A shadow is named with `$` before it.' }),
  kind: z.string().meta({
    description:
      'The code that callers got, `Withdrawn`, or what became of the host: `HostStalled`, `OutOfMemory`, `HostCrashed`.'
  }),
  count: z.int().min(1).meta({ description: 'Since the start of the peer.' }),
  last: z.iso.datetime(),
  cause: z.string().meta({ description: 'Of the last one.' })
})

/** Why a peer is where it is (R18): asked about itself with its gates, about another with what that one announced. */
export const whySchema = z.object({
  peer: z.string(),
  self: z.boolean(),
  lastHeardMs: z.number().optional().meta({ description: 'Age of the statement; absent for the asked peer itself.' }),
  summary: z.string(),
  facades: z.array(facadeReasonSchema).meta({
    description: 'What the host is to serve, lowest version first; empty for other peers, and while no host runs.'
  }),
  versions: z.array(versionReasonSchema),
  faults: z
    .array(faultReasonSchema)
    .meta({ description: 'Methods that went wrong at this peer, the latest first; empty for other peers.' })
})

export type GateName = (typeof gateNames)[number]
export type GateReason = z.infer<typeof gateReasonSchema>
export type VersionReason = z.infer<typeof versionReasonSchema>
export type FacadeReason = z.infer<typeof facadeReasonSchema>
export type FaultReason = z.infer<typeof faultReasonSchema>
export type Why = z.infer<typeof whySchema>
