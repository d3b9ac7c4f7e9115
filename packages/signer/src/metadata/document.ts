import type { Json } from '@instar/core'

export const metadataRoles = ['root', 'targets', 'snapshot', 'timestamp'] as const
export type MetadataRole = (typeof metadataRoles)[number]

export interface Signature {
  readonly keyId: string
  /** Lower-case hexadecimal. */
  readonly sig: string
}

/** A TUF document whose shape was checked and whose signatures were not. */
export interface Document {
  readonly role: MetadataRole
  readonly version: number
  readonly expiresMs: number
  readonly signed: { readonly [key: string]: Json }
  /** The canonical bytes of `signed`: what the signatures are over. */
  readonly body: Uint8Array
  /** sha-256 of `body`: the document's identity, whatever signatures it carries. */
  readonly bodyHash: string
  readonly signatures: readonly Signature[]
}

/** A document that verified, with what its model says. */
export interface Held<Model> {
  readonly role: MetadataRole
  readonly version: number
  readonly expiresMs: number
  readonly signed: { readonly [key: string]: Json }
  readonly body: Uint8Array
  readonly bodyHash: string
  /** Only those that verified, sorted by key id, so that equal knowledge is equal bytes. */
  readonly signatures: readonly Signature[]
  /** The document as it is stored and relayed. */
  readonly bytes: Uint8Array
  readonly hash: string
  readonly model: Model
}
