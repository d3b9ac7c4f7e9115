import type { z } from 'zod'
import { controlEventSchema } from './events.js'
import {
  announcementsSchema,
  bundleStateSchema,
  callAnswerSchema,
  callRequestSchema,
  certificateAnswerSchema,
  certificateSchema,
  caughtUpSchema,
  contractSchema,
  doneSchema,
  errorSchema,
  garbageRequestSchema,
  garbageSchema,
  holdTargetSchema,
  trialSchema,
  jsonSchema,
  rehearsalRequestSchema,
  rehearsalSchema,
  logSchema,
  submissionSchema,
  ticketSchema,
  trustDocumentsSchema,
  verdictsSchema,
  approvalSchema
} from './requests.js'
import { policyChangeSchema, policySchema } from './policy.js'
import { peerStatusSchema } from './status.js'
import { whySchema } from './why.js'

/** Everything that crosses the control API, by the name that it has in the OpenAPI document. */
export const components = {
  PeerStatus: peerStatusSchema,
  Why: whySchema,
  ControlEvent: controlEventSchema,
  Approval: approvalSchema,
  HoldTarget: holdTargetSchema,
  Policy: policySchema,
  PolicyChange: policyChangeSchema,
  Trial: trialSchema,
  RehearsalRequest: rehearsalRequestSchema,
  Rehearsal: rehearsalSchema,
  GarbageRequest: garbageRequestSchema,
  Garbage: garbageSchema,
  Submission: submissionSchema,
  Announcements: announcementsSchema,
  Verdicts: verdictsSchema,
  Certificate: certificateSchema,
  CertificateAnswer: certificateAnswerSchema,
  TrustDocuments: trustDocumentsSchema,
  CaughtUp: caughtUpSchema,
  BundleState: bundleStateSchema,
  CallRequest: callRequestSchema,
  CallAnswer: callAnswerSchema,
  Contract: contractSchema,
  Ticket: ticketSchema,
  Log: logSchema,
  Done: doneSchema,
  Error: errorSchema,
  Json: jsonSchema
} as const satisfies Record<string, z.ZodType>

export type ComponentName = keyof typeof components
export type Component<Name extends ComponentName> = z.output<(typeof components)[Name]>
