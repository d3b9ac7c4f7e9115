import { messageOf } from '@instar/core'
import fc from 'fast-check'
import type { Contract, Method } from '../../contract/contract.js'
import { validate } from '../../host/call/validate.js'
import type { ArgumentsArbitrary } from '../specification.js'
import { arbitraryOf, NotDerivable, type JsonSchema } from './from-json-schema.js'

export type ArgumentsByMethod = Readonly<Record<string, ArgumentsArbitrary<readonly unknown[]> | undefined>>
export type Generators = ReadonlyMap<string, fc.Arbitrary<readonly unknown[]>>

/**
 * Argument tuples for every method of a contract: as the author generates them, or else from the validators.
 *
 * @throws TypeError that names the methods whose arguments the author has to give
 */
export function generatorsOf(contract: Contract, given: ArgumentsByMethod): Generators {
  const generators = new Map<string, fc.Arbitrary<readonly unknown[]>>()
  const missing: string[] = []
  for (const [name, method] of Object.entries(contract.methods)) {
    if (method.kind === 'flow') continue
    try {
      const arbitrary = given[name]?.(fc) ?? derived(method)
      generators.set(name, arbitrary)
    } catch (error) {
      if (!(error instanceof NotDerivable)) throw error
      missing.push(`${name} (${error.message})`)
    }
  }
  if (missing.length > 0) {
    const example = missing[0]?.split(' ')[0] ?? ''
    throw new TypeError(
      `No arguments can be made for ${missing.map(each => `${contract.name}.${each}`).join(', ')}: give them in the specification, as in arguments: { ${example}: fc => fc.tuple(…) }.`
    )
  }
  return generators
}

/** Whether the method takes these arguments at all; a validator that takes its time is believed. */
export function accepts(method: Method, args: readonly unknown[]): boolean {
  try {
    const valid = validate(method.input['~standard'], args, () => new RangeError('not accepted'))
    if (valid instanceof Promise) valid.catch(() => undefined)
    return true
  } catch {
    return false
  }
}

interface WithJsonSchema {
  readonly jsonSchema?: { input(options: object): JsonSchema }
}

/** By Standard JSON Schema, which zod (4.2) and arktype (2.1.28) speak, and valibot's `toStandardJsonSchema`. */
function derived(method: Method): fc.Arbitrary<readonly unknown[]> {
  const { jsonSchema } = method.input['~standard'] as WithJsonSchema
  if (jsonSchema === undefined) throw new NotDerivable('its validator does not tell what it accepts')
  let schema: JsonSchema
  try {
    schema = jsonSchema.input({ target: 'draft-2020-12' })
  } catch (error) {
    throw new NotDerivable(`its validator does not tell what it accepts: ${messageOf(error)}`)
  }
  return arbitraryOf(schema) as fc.Arbitrary<readonly unknown[]>
}
