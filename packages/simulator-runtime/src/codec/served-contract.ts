import type { MethodKind } from '../contract/contract.js'

/**
 * The method that every object answers beside those of its contract, at every version that it serves: what that version's contract is
 * here. No contract can have one of this name.
 */
export const contractMethod = '$contract'

/** The contract of one version as one peer serves it, so that a caller can ask before it calls (R8). */
export interface ServedContract {
  readonly className: string
  /** The version that was asked for. */
  readonly version: number
  /** The object itself, or a simulation object for an older (`past`) or newer (`future`) version than the peer runs. */
  readonly role: 'object' | 'past' | 'future'
  readonly methods: readonly ServedMethod[]
}

/** One method, and whether it can be called here at all. */
export interface ServedMethod {
  readonly name: string
  readonly kind: MethodKind
  /** Why every call of it is refused at this peer, where it is. Single calls of other methods may be refused all the same. */
  readonly disallowed?: string
}

const roles: readonly unknown[] = ['object', 'past', 'future'] satisfies Array<ServedContract['role']>
const kinds: readonly unknown[] = ['query', 'command', 'flow'] satisfies MethodKind[]

/** Reads what a peer has answered; `undefined` for what is no contract. */
export function parseServedContract(value: unknown): ServedContract | undefined {
  const { className, version, role, methods } = (value ?? {}) as Record<string, unknown>
  const isWhole = typeof className === 'string' && Number.isSafeInteger(version) && roles.includes(role)
  if (!isWhole || !Array.isArray(methods)) return undefined
  const parsed = methods.map((each: unknown) => parseMethod(each))
  if (parsed.includes(undefined)) return undefined
  return { className, version, role, methods: parsed } as ServedContract
}

function parseMethod(value: unknown): ServedMethod | undefined {
  const { name, kind, disallowed } = (value ?? {}) as Record<string, unknown>
  if (typeof name !== 'string' || !kinds.includes(kind)) return undefined
  if (disallowed === undefined) return { name, kind: kind as MethodKind }
  return typeof disallowed === 'string' ? { name, kind: kind as MethodKind, disallowed } : undefined
}
