import { phases } from '@instar/core'
import { z } from 'zod'
import { trialReportSchema } from './trial.js'

const version = z.int().min(1)
const isoTime = z.iso.datetime()

/** Trust metadata as the peer holds it: what it would show to a neighbour that asks how new its knowledge is. */
const trustStatusSchema = z.object({
  root: z.int().min(0),
  targets: z.int().min(0),
  timestamp: z.int().min(0),
  freshUntil: isoTime.optional().meta({ description: 'The latest expiry among verified timestamps (§5).' }),
  expired: z
    .array(z.string())
    .meta({ description: 'Roles whose newest document has expired: its signers must sign again.' }),
  renewal: z
    .object({
      signer: z.int().min(0),
      signers: z.int().min(1).meta({ description: 'It uses the numbers that leave the remainder `signer`.' }),
      next: isoTime.optional().meta({ description: 'When it signs next, unless another signer does first.' })
    })
    .optional()
    .meta({ description: 'Absent at a peer without online keys.' }),
  fresh: z.boolean().meta({ description: 'Stale metadata blocks starting and stops nothing that runs (P1).' }),
  forks: z.array(version).meta({ description: 'Versions with two valid descriptors; frozen here (R20).' }),
  forkSides: z
    .array(z.object({ version, descriptor: z.string(), revision: z.int().min(0), signedBy: z.array(z.string()) }))
    .meta({ description: 'Who signed what for them: each descriptor, in which revision of targets, by which keys.' }),
  halts: z
    .array(z.object({ version, unload: z.boolean(), reason: z.string(), at: isoTime, signedBy: z.array(z.string()) }))
    .meta({ description: 'Versions that are halted (§4), since when, and by the keys of which document.' }),
  decisions: z
    .array(z.object({ version, keep: z.string() }))
    .meta({ description: 'What the root role has decided on forks: the descriptor that counts, or `none` (§6).' })
})

const versionStatusSchema = z.object({
  version,
  title: z.string(),
  phase: z.enum(phases),
  reason: z.string().optional().meta({ description: 'Why it waits or what went wrong, in words (R18).' }),
  since: isoTime.meta({ description: 'When the phase began at this peer.' }),
  held: z.boolean().meta({ description: "An operator's hold is on it." }),
  progress: z
    .object({
      stage: z.string(),
      done: z.number().optional(),
      total: z.number().optional(),
      bytes: z.number().optional().meta({ description: 'Bytes of the entries that are done.' }),
      share: z.number().min(0).max(1).optional().meta({ description: 'How much is done, estimated by sizes on disk.' }),
      leftMs: z.number().optional().meta({ description: 'How much longer it takes at the speed of up to now.' })
    })
    .optional()
    .meta({ description: 'How far the work of the phase has come: bytes, entries or a stage of the switch.' }),
  trial: trialReportSchema.optional().meta({ description: 'While it is on trial (§15).' }),
  rehearsed: z
    .object({
      at: isoTime,
      onVersion: version.meta({ description: 'Whose state was copied.' }),
      pauseMs: z.number().meta({ description: 'How long calls will be held, as far as can be told from it.' }),
      transformMs: z.number(),
      entries: z.int().min(0),
      files: z.int().min(0),
      bytesBefore: z.int().min(0),
      bytesAfter: z.int().min(0),
      diskBytes: z.int().min(0).meta({ description: 'What the upgrade needs on disk beside the state that it finds.' })
    })
    .optional()
    .meta({
      description:
        'What the upgrade came to on a copy of the state here (R13). Absent before, and where it is not tried.'
    }),
  lastPauseMs: z.number().optional().meta({ description: 'How long calls were queued during its last switch.' })
})

const neededVersionSchema = z.object({
  version,
  reason: z.string().meta({ description: 'Why it is served, and what ends that.' }),
  peersCount: z.int().min(0),
  peers: z
    .array(z.object({ peer: z.string(), class: z.string().optional(), floor: version, countsUntil: isoTime }))
    .meta({
      description:
        'The first of the admitted peers that may still run it. One that stays silent counts until its certificate ends, or until it counts as departed.'
    }),
  callersCount: z.int().min(0).meta({ description: 'How many are remembered, 64 at most.' }),
  callers: z.array(z.object({ peer: z.string(), class: z.string().optional(), last: isoTime })).meta({
    description:
      'Who called it since this peer started, the last ones first. `class` is absent for programs that are no peers.'
  }),
  lastUse: isoTime.optional().meta({ description: 'The newest call that is known, also from before the start.' }),
  quietUntil: isoTime.optional().meta({ description: 'When it has been quiet for long enough, if nobody calls it.' }),
  retiredBy: isoTime
    .optional()
    .meta({ description: 'From then on only the floor of this peer itself holds it: the date of the descriptor.' })
})

const hostStatusSchema = z.object({
  pid: z.int().optional().meta({ description: 'Absent while no host process runs.' }),
  plan: z.int().min(0).meta({ description: 'The number of the host plan in force (§10).' }),
  uptimeMs: z.number(),
  restarts: z.int().min(0),
  heldCalls: z.int().min(0).meta({ description: 'Calls in the call queue now.' }),
  stateBytes: z.int().min(0).optional().meta({
    description:
      'What the state takes of the disk, files of the object included, as measured within the last minute or so.'
  }),
  outbox: z
    .object({
      waiting: z.int().min(0),
      delivered: z.int().min(0),
      refused: z.int().min(0).meta({ description: 'Answered with an error that is final.' }),
      givenUp: z
        .int()
        .min(0)
        .meta({ description: 'Undeliverable for too long, or what became of them cannot be found out.' })
    })
    .optional()
    .meta({
      description: "Calls that the object's commands have left for other peers (§9), since this host started."
    }),
  lastError: z.string().optional()
})

export const certificateStatusSchema = z.object({
  serial: z.string(),
  class: z.string(),
  groups: z.array(z.string()),
  notBefore: isoTime,
  expires: isoTime,
  invitation: z.string().optional().meta({ description: 'The serial of the invitation that it came through.' })
})

/** Another peer, as its last verified announcement and our connections describe it. */
export const neighbourStatusSchema = z.object({
  peer: z.string(),
  class: z.string(),
  groups: z.array(z.string()),
  instar: z.string().meta({ description: 'The release of Instar that it says it runs.' }),
  running: version,
  floor: version,
  served: z.tuple([version, version]).optional(),
  versions: z.array(z.object({ version, phase: z.enum(phases), reason: z.string().optional() })),
  lastHeardMs: z
    .number()
    .meta({ description: "Milliseconds since its statement last grew, by this peer's clock (§13)." }),
  reachable: z.boolean(),
  connected: z.boolean(),
  admitted: z.boolean().meta({ description: 'Whether what it announces enters decisions here (R21).' }),
  notAdmitted: z.string().optional().meta({ description: 'Why it does not, in words.' }),
  certificate: certificateStatusSchema.optional().meta({ description: 'By which it is, or was, admitted (§5).' })
})

const callCountsSchema = z.object({
  calls: z.int().min(0),
  disallowed: z.int().min(0),
  errors: z.int().min(0)
})

const groupStatusSchema = z.object({
  group: z.string(),
  configuration: z.int().min(1).meta({ description: 'Counts the signed configurations of the group (§3).' }),
  members: z.array(z.string()),
  limit: z.int().min(1).meta({ description: 'How many members may be down at once (R17).' })
})

const admissionStatusSchema = z.object({
  policy: z
    .enum(['open', 'certificate'])
    .meta({ description: 'Who counts: everybody who proves its identity, or who shows a certificate (R21).' }),
  admitted: z.boolean().meta({ description: 'Whether this peer counts, by its own clock and trust.' }),
  reason: z.string().optional().meta({ description: 'Why it does not.' }),
  certificate: certificateStatusSchema.optional().meta({ description: 'What it shows of itself.' }),
  revoked: z.int().min(0).meta({ description: 'Certificates and invitations that the admission role took back.' }),
  groups: z.array(groupStatusSchema)
})

export const peerStatusSchema = z.object({
  peer: z.string(),
  network: z.string(),
  class: z.string(),
  groups: z.array(z.string()),
  instar: z.string().meta({ description: 'The release of Instar that runs here.' }),
  epoch: z.int().min(1).meta({ description: 'Counts the starts of the peer.' }),
  addresses: z.array(z.string()),
  joined: z
    .boolean()
    .meta({ description: 'Whether it has found its place. Before, class and versions are what it was started with.' }),
  running: z.object({ version, chainId: z.string() }),
  newest: version.meta({ description: 'The newest version whose descriptor this peer trusts.' }),
  floor: version,
  served: z.tuple([version, version]).optional(),
  diverged: version.optional().meta({
    description:
      'From this version on it answers nothing: it has committed what the root decided against (§6). Absent otherwise.'
  }),
  trust: trustStatusSchema,
  admission: admissionStatusSchema,
  audit: z.object({ seq: z.int().min(0), hash: z.string() }).meta({
    description:
      'The newest line of the audit log. Written down elsewhere, it shows later that no line up to it was changed.'
  }),
  versions: z.array(versionStatusSchema).meta({ description: 'Every version that is not retired here, ascending.' }),
  needed: z.array(neededVersionSchema).meta({
    description: 'Versions that are served although the object is past them, and who needs them still (§14); ascending.'
  }),
  host: hostStatusSchema,
  peers: z.array(neighbourStatusSchema).meta({ description: 'Every other known peer, sorted by peer id.' }),
  problems: z
    .array(z.string())
    .meta({ description: 'What needs a person, one sentence each; empty when all is well.' }),
  sentOff: z
    .array(z.object({ peer: z.string(), reason: z.string(), since: isoTime, until: isoTime }))
    .optional()
    .meta({
      description: 'Peers that broke a rule and are not let in for a while, the last first; absent when there are none.'
    }),
  callsPerVersion: z.record(z.string().regex(/^[1-9][0-9]*$/), callCountsSchema)
})

export type TrustStatus = z.infer<typeof trustStatusSchema>
export type VersionStatus = z.infer<typeof versionStatusSchema>
export type NeededVersion = z.infer<typeof neededVersionSchema>
export type HostStatus = z.infer<typeof hostStatusSchema>
export type NeighbourStatus = z.infer<typeof neighbourStatusSchema>
export type AdmissionStatus = z.infer<typeof admissionStatusSchema>
export type CertificateStatus = z.infer<typeof certificateStatusSchema>
export type CallCounts = z.infer<typeof callCountsSchema>
export type PeerStatus = z.infer<typeof peerStatusSchema>
