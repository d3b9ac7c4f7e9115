import type { Json } from '@instar/core'
import { z } from 'zod'
import { certificateStatusSchema } from './status.js'

const version = z.int().min(1)
/** Any JSON value. */
export const jsonSchema = z.json() as z.ZodType<Json>
const bytes = z.base64().meta({ description: 'base64' })

export const approvalSchema = z.object({
  version,
  now: z.boolean().optional().meta({ description: 'Open the schedule gate, whatever the schedule waits for.' })
})

export const trialSchema = z.object({ version })

export const holdTargetSchema = z.object({
  version: version.optional().meta({ description: 'Absent: every version.' })
})

export const rehearsalRequestSchema = z.object({
  version: version.optional().meta({ description: 'Absent: the next one.' })
})

export const rehearsalSchema = z.object({
  version,
  stateVersion: version.meta({ description: 'Whose state was copied.' }),
  entries: z.int().min(0).meta({ description: 'Of the copied state.' }),
  files: z.int().min(0),
  bytesBefore: z.int().min(0),
  entriesAfter: z.int().min(0),
  bytesAfter: z.int().min(0),
  diskBytes: z.int().min(0).meta({
    description: 'What the upgrade needs on disk beside the state that it finds; a way back by code included.'
  }),
  copyMs: z.number(),
  transformMs: z.number().meta({ description: 'The longest of the runs.' }),
  pauseMs: z.number().meta({ description: 'How long calls will be held, as far as can be told from it.' }),
  elapsedMs: z.number(),
  runs: z.int().min(1).meta({ description: 'Whole ones; all but the first after an interrupted one.' }),
  back: z
    .object({
      pauseMs: z.number().meta({ description: 'How long callers would wait for it.' }),
      entries: z.int().min(0).meta({ description: 'Of the state that it builds.' }),
      differs: z.int().min(0).meta({ description: 'Entries and files of it that are not what they were.' })
    })
    .optional()
    .meta({ description: 'The way back by a reverse transform, gone right behind the upgrade.' }),
  unread: z.array(z.string()).meta({
    description: 'States whose class does not say how an entry is read: they were counted and compared, not decoded.'
  })
})

export const garbageRequestSchema = z.object({
  dryRun: z.boolean().optional().meta({ description: 'Say what would be removed, and remove nothing.' })
})

const garbage = z.object({
  kind: z.enum(['bundle', 'state', 'file']),
  name: z.string().meta({
    description:
      "A bundle's id; a state's version and since when it is not the object's; a path within the data directory; or how many there are."
  }),
  bytes: z.int().min(0),
  because: z.string()
})

export const garbageSchema = z.object({
  dryRun: z.boolean(),
  removed: z.array(garbage).meta({ description: 'What is gone, or would be.' }),
  later: z
    .array(garbage.extend({ from: z.iso.datetime() }))
    .meta({ description: 'What nothing needs and has only just come: it may go `from` then on.' }),
  kept: z.array(garbage),
  failed: z.array(garbage).meta({ description: 'What could not be removed.' })
})

export const submissionSchema = z.object({
  documents: z.array(bytes).max(200).meta({ description: 'TUF metadata, in any order.' }),
  descriptor: bytes.optional()
})

export const announcementsSchema = z.object({
  announcements: z.array(
    z.object({ envelope: bytes, ageMs: z.int().min(0).meta({ description: 'How long ago it was heard first.' }) })
  )
})

export const certificateSchema = z.object({
  certificate: bytes
})

export const certificateAnswerSchema = z.object({
  peer: z.string().meta({ description: 'Whom it admits.' }),
  certificate: certificateStatusSchema,
  outcome: z.enum(['kept', 'handedOver', 'waits']).meta({
    description:
      '`kept`: it is of the asked peer. `handedOver`: its peer was given it. `waits`: it goes to its peer when the two meet.'
  })
})

export const verdictsSchema = z.object({
  verdicts: z
    .array(
      z.object({
        document: z.string(),
        verdict: z.enum(['accept', 'ignore', 'reject']),
        code: z.string().optional(),
        detail: z.string().optional()
      })
    )
    .meta({ description: 'One per document or announcement in the order of the submission, the descriptor last.' })
})

export const caughtUpSchema = z.object({
  peers: z.array(
    z.object({
      peer: z.string(),
      heads: z
        .record(z.string(), z.object({ version, hash: z.string() }))
        .optional()
        .meta({ description: 'By role, with the hash of the canonical body; absent when the peer did not answer.' }),
      failure: z.string().optional()
    })
  )
})

export const trustDocumentsSchema = z.object({
  documents: z.array(bytes).meta({ description: 'In the order in which they verify: root chain first.' }),
  descriptors: z.array(bytes).meta({ description: 'Of all versions, ascending from 1.' })
})

export const bundleStateSchema = z.object({
  id: z.string(),
  complete: z.boolean(),
  missing: z.array(z.string()).meta({ description: 'Empty and not complete: the manifest is missing.' })
})

export const callRequestSchema = z.object({
  peer: z.string().min(1).optional(),
  class: z.string().min(1).optional(),
  version: version.optional(),
  method: z.string().min(1).max(200),
  args: z.array(jsonSchema).max(64),
  timeoutMs: z.int().min(1).max(3_600_000).default(10_000)
})

export const callAnswerSchema = z.object({
  result: jsonSchema,
  peer: z.string(),
  version,
  durationMs: z.number()
})

export const contractQuerySchema = z.object({
  peer: z.string().min(1).optional(),
  class: z.string().min(1).optional(),
  version: z.coerce.number().int().min(1).optional(),
  timeoutMs: z.coerce.number().int().min(1).max(3_600_000).default(10_000)
})

export const contractSchema = z.object({
  peer: z.string(),
  className: z.string(),
  version,
  role: z.enum(['object', 'past', 'future']).meta({
    description: 'The object itself, or a simulation object for an older or newer version than the peer runs.'
  }),
  methods: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['query', 'command', 'flow']),
      disallowed: z
        .string()
        .optional()
        .meta({ description: 'Why every call of it is refused at this peer, where it is (R8).' })
    })
  )
})

export const ticketSchema = z.object({ ticket: z.string() })
export const logSchema = z.object({ lines: z.array(z.string()) })
export const doneSchema = z.object({ done: z.literal(true) })

/** Every failure. `code` is one of docs/errors.md, of the call errors, or `Internal`. */
export const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string().meta({ description: 'One sentence for people.' }),
    detail: z.record(z.string(), jsonSchema)
  })
})
