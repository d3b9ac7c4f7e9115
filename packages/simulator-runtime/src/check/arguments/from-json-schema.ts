import fc from 'fast-check'

/** A JSON schema (draft 2020-12) as a validator gives it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What of a schema no value could be derived from. */
export class NotDerivable extends Error {
  override readonly name = 'NotDerivable'
}

const letters = ['a', 'b', 'c'] as const
const depthMax = 4

/**
 * Values of a schema from domains that are small on purpose: calls find each other's mistakes only where they meet on the same keys. Not
 * every value fits (patterns and refinements are not read): whoever uses it asks the validator.
 *
 * @throws NotDerivable
 */
export function arbitraryOf(schema: JsonSchema, root: JsonSchema = schema, depth = 0): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema['const'])
  const choices = schema['enum']
  if (Array.isArray(choices)) return fc.constantFrom(...(choices as unknown[]))
  const reference = schema['$ref']
  if (typeof reference === 'string') return arbitraryOf(resolve(root, reference), root, depth + 1)
  const either = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(either)) return oneOf(either as JsonSchema[], root, depth)
  const types = schema['type']
  if (Array.isArray(types)) {
    return oneOf(
      types.map(type => ({ ...schema, type: type as string })),
      root,
      depth
    )
  }
  switch (types) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
    case 'number':
      return numbers(schema)
    case 'string':
      return strings(schema)
    case 'array':
      return arrays(schema, root, depth)
    case 'object':
      return objects(schema, root, depth)
    default:
      throw new NotDerivable('its validator does not tell what it accepts')
  }
}

function oneOf(schemas: readonly JsonSchema[], root: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const arbitraries = schemas.flatMap(each => {
    // A recursive type ends with a branch that is not.
    if (depth >= depthMax && ('$ref' in each || each['type'] === 'object' || each['type'] === 'array')) return []
    return [arbitraryOf(each, root, depth + 1)]
  })
  if (arbitraries.length === 0) throw new NotDerivable('it is nested without end')
  return fc.oneof(...arbitraries)
}

function resolve(root: JsonSchema, reference: string): JsonSchema {
  let found: unknown = root
  for (const part of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    found = (found as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  if (typeof found !== 'object' || found === null) throw new NotDerivable(`the reference ${reference} leads nowhere`)
  return found as JsonSchema
}

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

function numbers(schema: JsonSchema): fc.Arbitrary<number> {
  const step = number(schema['multipleOf']) ?? 1
  const lower = number(schema['minimum']) ?? (number(schema['exclusiveMinimum']) ?? -Infinity) + step
  const upper = number(schema['maximum']) ?? (number(schema['exclusiveMaximum']) ?? Infinity) - step
  const fit = [1, 2, 3, 0, -1].map(each => each * step).filter(each => each >= lower && each <= upper)
  if (fit.length > 3) {
    return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...fit.slice(0, 3)) }, fc.constantFrom(...fit.slice(3)))
  }
  if (fit.length > 0) return fc.constantFrom(...fit)
  const first = Number.isFinite(lower) ? Math.ceil(lower / step) * step : Math.floor(upper / step) * step
  const around = [0, 1, 2].map(each => first + (Number.isFinite(lower) ? each : -each) * step)
  return fc.constantFrom(...around.filter(each => each <= upper && each >= lower))
}

const formats: Readonly<Record<string, readonly string[]>> = {
  'date-time': ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
  date: ['2026-01-01', '2026-01-02'],
  email: ['a@example.org', 'b@example.org'],
  uri: ['https://example.org/a', 'https://example.org/b'],
  uuid: ['6f0f6a5e-3c8e-4d51-9c4f-0d5b8a4c1a01', '6f0f6a5e-3c8e-4d51-9c4f-0d5b8a4c1a02']
}

function strings(schema: JsonSchema): fc.Arbitrary<string> {
  const known = formats[String(schema['format'])]
  if (known !== undefined) return fc.constantFrom(...known)
  if (typeof schema['pattern'] === 'string' && schema['format'] === undefined) {
    try {
      return fc.stringMatching(new RegExp(schema['pattern'])).filter(text => text.length < 20)
    } catch {
      throw new NotDerivable(`no text is known for the pattern ${schema['pattern']}`)
    }
  }
  const least = Math.max(number(schema['minLength']) ?? 0, 1)
  const most = number(schema['maxLength']) ?? Infinity
  return fc.constantFrom(...letters.map(letter => letter.repeat(least).slice(0, most)))
}

function arrays(schema: JsonSchema, root: JsonSchema, depth: number): fc.Arbitrary<unknown[]> {
  const given = schema['prefixItems'] ?? (Array.isArray(schema['items']) ? schema['items'] : [])
  const first = (given as JsonSchema[]).map(each => arbitraryOf(each, root, depth + 1))
  const least = number(schema['minItems']) ?? 0
  const rest = Array.isArray(schema['items']) ? schema['additionalItems'] : schema['items']
  const head = fc
    .integer({ min: Math.min(least, first.length), max: first.length })
    .chain(length => fc.tuple(...first.slice(0, length)))
  if (typeof rest !== 'object' || rest === null) return head
  const most = Math.min((number(schema['maxItems']) ?? Infinity) - first.length, Math.max(least - first.length, 0) + 2)
  if (depth >= depthMax || most <= 0) return head
  const more = fc.array(arbitraryOf(rest as JsonSchema, root, depth + 1), {
    minLength: Math.max(least - first.length, 0),
    maxLength: most
  })
  return fc.tuple(first.length === 0 ? fc.constant([]) : fc.tuple(...first), more).map(([a, b]) => [...a, ...b])
}

function objects(schema: JsonSchema, root: JsonSchema, depth: number): fc.Arbitrary<object> {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>
  const required = new Set((schema['required'] ?? []) as readonly string[])
  const model: Record<string, fc.Arbitrary<unknown>> = {}
  for (const [name, each] of Object.entries(properties)) {
    if (depth >= depthMax && !required.has(name)) continue
    model[name] = arbitraryOf(each, root, depth + 1)
  }
  const known = fc.record(model, { requiredKeys: [...required].filter(name => name in model) })
  const more = schema['additionalProperties']
  if (typeof more !== 'object' || more === null || depth >= depthMax) return known.map(plain)
  const names = schema['propertyNames'] as JsonSchema | undefined
  const key = names === undefined ? fc.constantFrom(...letters) : arbitraryOf({ type: 'string', ...names }, root, depth)
  const entries = fc.dictionary(key.map(String), arbitraryOf(more as JsonSchema, root, depth + 1), {
    maxKeys: 3,
    noNullPrototype: true
  })
  return fc.tuple(entries, known).map(([others, given]) => plain({ ...others, ...given }))
}

const plain = (value: object): object => ({ ...value })
