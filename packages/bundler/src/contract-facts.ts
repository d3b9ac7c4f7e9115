import type { Contract, MethodKind } from '@instar/simulator-runtime'
import { sha256 } from './manifest-of.js'

/** What can be read of a contract without running it. */
export interface ContractFacts {
  readonly name: string
  /** In order of their names. */
  readonly methods: readonly MethodFacts[]
}

export interface MethodFacts {
  readonly name: string
  readonly kind: MethodKind
  /**
   * Digest of the JSON Schema of the arguments that are taken. Absent where the validator cannot say it: it is of a library that has no
   * JSON Schema, or of something that JSON Schema cannot express.
   */
  readonly input?: string
  /** The same of the results that are given. */
  readonly output?: string
}

export function contractFacts({ name, methods }: Contract): ContractFacts {
  const facts = Object.entries(methods).map(([method, { kind, input, output }]): MethodFacts => {
    const taken = schemaDigest(input, 'input')
    const given = schemaDigest(output, 'output')
    return {
      name: method,
      kind,
      ...(taken === undefined ? {} : { input: taken }),
      ...(given === undefined ? {} : { output: given })
    }
  })
  return { name, methods: facts.sort((a, b) => (a.name < b.name ? -1 : 1)) }
}

/** How far two contracts are the same. */
export interface ContractComparison {
  /** What differs first, as the end of a sentence; absent where nothing that can be compared differs. */
  readonly difference?: string
  /** Methods of which arguments or results could not be compared: that they are the same is the author's word. */
  readonly uncompared: readonly string[]
}

/**
 * Compares what callers rely on: name, methods, kinds, and validators by their JSON Schema. Conditions that are written in code
 * (refinements, custom checks) stand in no JSON Schema, so equal contracts may still differ in them.
 */
export function compareContracts(before: ContractFacts, after: ContractFacts): ContractComparison {
  const difference = firstDifference(before, after)
  const uncompared = after.methods
    .filter(method => {
      const was = before.methods.find(each => each.name === method.name)
      return [method.input, method.output, was?.input, was?.output].includes(undefined)
    })
    .map(each => each.name)
  return { ...(difference === undefined ? {} : { difference }), uncompared }
}

function firstDifference(before: ContractFacts, after: ContractFacts): string | undefined {
  if (before.name !== after.name) return `it is called ${after.name}, not ${before.name}`
  const old = new Map(before.methods.map(each => [each.name, each]))
  for (const method of after.methods) {
    const was = old.get(method.name)
    if (was === undefined) return `it has the new method ${method.name}`
    if (was.kind !== method.kind) return `${method.name} was a ${was.kind} and is a ${method.kind}`
    if (differ(was.input, method.input)) return `${method.name} takes other arguments`
    if (differ(was.output, method.output)) return `${method.name} gives another result`
  }
  const names = new Set(after.methods.map(each => each.name))
  const gone = before.methods.find(each => !names.has(each.name))
  return gone === undefined ? undefined : `it lacks the method ${gone.name}`
}

function differ(before: string | undefined, after: string | undefined): boolean {
  return before !== undefined && after !== undefined && before !== after
}

interface JsonSchemaConverter {
  readonly jsonSchema?: Readonly<Record<'input' | 'output', (options: { readonly target: string }) => unknown>>
}

function schemaDigest(schema: { readonly '~standard': object }, side: 'input' | 'output'): string | undefined {
  // Standard JSON Schema: an extension that a library of Standard Schema may offer or not.
  const { jsonSchema } = schema['~standard'] as JsonSchemaConverter
  try {
    const converted = jsonSchema?.[side]({ target: 'draft-2020-12' })
    return converted === undefined ? undefined : sha256(new TextEncoder().encode(stableText(converted)))
  } catch {
    // Libraries throw for what JSON Schema cannot express (undefined, dates, functions): it is not compared then.
    return undefined
  }
}

/** Words about a schema that no caller relies on. */
const annotations = new Set(['$schema', '$comment', 'title', 'description'])

/** One text for equal schemas, whatever the order of their keys. */
function stableText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value)
    // A property that is called `title` is a schema, and no text.
    .filter(([key, each]) => each !== undefined && !(annotations.has(key) && typeof each === 'string'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  // The names of required properties are a set.
  const text = (key: string, each: unknown): string =>
    key === 'required' && Array.isArray(each) ? stableText((each as unknown[]).toSorted()) : stableText(each)
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${text(key, each)}`).join(',')}}`
}
