import { command, defineContract, query } from '@instar/simulator-runtime'
import * as z from 'zod'

export const everyone = 'everyone'
const file = z.string().min(1).max(200)
const user = z
  .string()
  .min(1)
  .max(100)
  .refine(name => name !== everyone, `${everyone} is nobody's name`)

const access = z.object({ read: z.boolean(), write: z.boolean() })
export type Access = z.infer<typeof access>
export const noAccess: Access = { read: false, write: false }

const mode = z.object({ owner: access, world: access })
export type Mode = z.infer<typeof mode>
/** Of a file that was just created. */
export const defaultMode: Mode = { owner: { read: true, write: true }, world: { read: true, write: false } }

/** By user, and `everyone`. */
const acl = z.record(z.string().min(1).max(100), access)
export type Acl = z.infer<typeof acl>

/** Reference example B of MODEL.md, version 1: bits for the owner and for the world. Who owns a file reads by the owner's bits only. */
export const filePermissions = defineContract('FilePermissions', {
  /** Of a file that exists it changes nothing. */
  create: command(z.tuple([file, user]), z.void()),
  remove: command(z.tuple([file]), z.void()),
  chmod: command(z.tuple([file, mode]), z.void()),
  mode: query(z.tuple([file]), z.object({ owner: z.string(), mode })),
  mayRead: query(z.tuple([file, user]), z.boolean()),
  mayWrite: query(z.tuple([file, user]), z.boolean())
})

/** Version 2: a list of who may do what. A user may what their own entry or `everyone` allows; there are no entries that take away. */
export const fileAccess = defineContract('FileAccess', {
  create: command(z.tuple([file, user]), z.void()),
  remove: command(z.tuple([file]), z.void()),
  /** Replaces the whole list; whoever is not in it has no entry. */
  setAcl: command(z.tuple([file, acl]), z.void()),
  getAcl: query(z.tuple([file]), z.object({ owner: z.string(), acl })),
  mayRead: query(z.tuple([file, user]), z.boolean()),
  mayWrite: query(z.tuple([file, user]), z.boolean())
})
