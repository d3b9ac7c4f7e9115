import { pathToFileURL } from 'node:url'
import { InstarError, messageOf } from '@instar/core'

/** What the descriptor has to say of an author's module. */
export type Definition =
  | { readonly kind: 'class'; readonly className: string }
  | {
      readonly kind: 'upgrade'
      readonly oldClass: string
      readonly newClass: string
      /** Both contracts are one: new code only (§6). */
      readonly sameContract: boolean
      readonly hasFuture: boolean
      readonly hasPast: boolean
      readonly hasTransform: boolean
    }

/**
 * Loads a built bundle's entry and reads what it defines. The bundle carries its own copy of the authoring API, so its definitions are
 * known by their fields, never by identity.
 *
 * @throws InstarError `BundleLoadFailed`
 */
export async function loadDefinition(modulePath: string, source: string): Promise<Definition> {
  let module: { default?: unknown }
  try {
    module = (await import(pathToFileURL(modulePath).href)) as { default?: unknown }
  } catch (cause) {
    throw new InstarError('BundleLoadFailed', `${source} throws when it is loaded: ${messageOf(cause)}.`, { cause })
  }
  const definition = (module.default ?? {}) as Partial<Record<string, unknown>>
  if (definition['instar'] === 'class') return { kind: 'class', className: nameOf(definition['contract'], source) }
  if (definition['instar'] !== 'upgrade')
    throw new InstarError('BundleLoadFailed', `${source} has no default export made by defineClass or defineUpgrade.`)
  const to = (definition['to'] as { contract?: unknown } | undefined)?.contract
  return {
    kind: 'upgrade',
    oldClass: nameOf(definition['from'], source),
    newClass: nameOf(to, source),
    sameContract: definition['from'] === to,
    hasFuture: definition['future'] !== undefined,
    hasPast: definition['past'] !== undefined,
    hasTransform: definition['transform'] !== undefined
  }
}

function nameOf(contract: unknown, source: string): string {
  const name = (contract as { name?: unknown } | undefined)?.name
  if (typeof name === 'string') return name
  throw new InstarError('BundleLoadFailed', `A contract in ${source} has no name: make it with defineContract.`)
}
