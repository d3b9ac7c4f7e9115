import { CallError, invariant, type StateMeta } from '@instar/core'
import { decodeValue, InvalidInput } from '../../codec/codec.js'
import type { CallRequest, FacadeDescription } from '../host-runtime.js'
import type { LoadedCode } from '../open/load-code.js'
import { prefixOf } from '../open/spaces.js'
import { createFacade, type Facade, type FacadeCode, type FacadeMethod } from './facade.js'
import { validate } from './validate.js'

/** Valid arguments, or a refusal when it is called. */
export type Arguments = () => readonly unknown[] | Promise<readonly unknown[]>

/** Each chain is built once (R2): a simulation object over the next façade toward the object. */
export function facadesOf(code: LoadedCode, meta: StateMeta): ReadonlyMap<number, Facade> {
  const object = createFacade(code.object, prefixOf(meta.spaces.object), undefined)
  const facades = new Map([[object.revision, object]])
  for (const [side, spaces] of [
    [code.past, meta.spaces.past],
    [code.future, meta.spaces.future]
  ] as const) {
    let delegate = object
    for (const each of side) {
      const space = spaces[each.revision]
      invariant(space !== undefined, `no space for the façade of version ${each.revision}`)
      delegate = createFacade(each, prefixOf(space), delegate)
      facades.set(each.revision, delegate)
    }
  }
  return facades
}

/** Which façade and method a request means. @throws CallError */
export function target(
  facades: ReadonlyMap<number, Facade>,
  request: CallRequest
): { facade: Facade; method: FacadeMethod } {
  const facade = facades.get(request.revision)
  if (facade === undefined) {
    throw new CallError('UnknownVersion', { message: `version ${request.version} is not served by this host` })
  }
  if (request.className !== undefined && request.className !== facade.className) {
    throw new CallError('UnknownClass', {
      message: `version ${request.version} of this peer's class is ${facade.className}, not ${request.className}`
    })
  }
  const method = facade.methods.get(request.method)
  if (method === undefined) {
    throw new CallError('UnknownMethod', {
      message: `${facade.className} version ${request.version} has no method ${request.method}`
    })
  }
  return { facade, method }
}

/** Decodes and validates. @throws CallError InvalidInput, now or, where a validator takes time, when the arguments are asked for */
export function argumentsOf(facade: Facade, method: FacadeMethod, request: CallRequest): Arguments {
  const invalid = (flaw: string): CallError =>
    new CallError('InvalidInput', { message: `${facade.className}.${method.name}: ${flaw}` })
  let args: unknown
  try {
    args = decodeValue(request.args)
  } catch (error) {
    if (error instanceof InvalidInput) throw invalid(error.message)
    throw error
  }
  if (!Array.isArray(args)) throw invalid('arguments are an array')
  const valid = validate<readonly unknown[]>(method.input, args, invalid)
  // Whoever runs the call waits for it; until then a refusal is nobody's.
  if (valid instanceof Promise) valid.catch(() => undefined)
  return () => valid
}

export function describeFacade(code: FacadeCode): FacadeDescription {
  return {
    revision: code.revision,
    role: code.role,
    className: code.className,
    methods: [...code.methods.values()].map(({ name, kind, disallowed }) => ({
      name,
      kind,
      ...(disallowed === undefined ? {} : { disallowed })
    }))
  }
}
