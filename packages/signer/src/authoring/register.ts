import { InstarError } from '@instar/core'
import type { JsonObject } from '../metadata/canonical.js'
import type { Held } from '../metadata/document.js'
import type { TrustState } from '../trust/state.js'

/** The roles whose documents people sign. */
export type ProposedRole = 'root' | 'targets' | 'halt' | 'admission'

/** The document that is trusted for a role, whatever its model. */
export type Register = Pick<Held<unknown>, 'version' | 'bodyHash' | 'signed' | 'bytes'>

/** What the next document of a role is built on. */
export interface Frame {
  /** Absent where the register is empty. */
  readonly base: Register | undefined
  readonly version: number
  /** TUF's form of a time. */
  readonly expires: string
}

export function registerOf(trusted: TrustState, role: ProposedRole): Register | undefined {
  return role === 'root' ? trusted.roots.at(-1) : trusted[role]
}

/** How the change of one kind of proposal is read, and becomes a body. */
export interface BodyRules<Change> {
  readonly role: ProposedRole
  /** The body that follows. Depends on nothing but its arguments. @throws InstarError when the change does not fit what is trusted */
  readonly next: (trusted: TrustState, change: Change, frame: Frame) => JsonObject
  /** Reads the change of a file that may come from anyone. @throws Error when it is none */
  readonly parse: (value: unknown) => Change
  /** The same intention on another base; the change as it is where absent. */
  readonly rebase?: (change: Change, trusted: TrustState) => Change
}

export function mustFollow(role: ProposedRole): InstarError {
  return new InstarError(
    'NotTrusted',
    `This peer holds no trusted ${role} to build on: let it catch up with the network first.`
  )
}

export function notProposed(flaw: string): InstarError {
  return new InstarError('BadInput', `This cannot be proposed: ${flaw}.`)
}
