import type { Contract, MethodKind, StubOf } from '@instar/simulator-runtime'

export type CallMethod = (method: string, kind: MethodKind, args: readonly unknown[]) => Promise<unknown>

/** An object with one function per method of the contract. The peer validates arguments and results; types come from the contract. */
export function createStub<C extends Contract>(contract: C, call: CallMethod): StubOf<C> {
  const methods = Object.entries(contract.methods).map(([name, { kind }]) => [
    name,
    (...args: unknown[]) => call(name, kind, args)
  ])
  return Object.freeze(Object.fromEntries(methods)) as StubOf<C>
}
