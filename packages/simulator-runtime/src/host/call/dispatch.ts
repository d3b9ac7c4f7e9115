import { CallError } from '@instar/core'
import { decodeValue, InvalidInput, type ServedContract } from '../../codec/codec.js'
import type { CallRequest, FacadeDescription } from '../host-runtime.js'
import type { Chain } from './chain.js'
import type { Facade, FacadeCode, FacadeMethod } from './facade.js'
import { toCallError } from './failures.js'
import { validate } from './validate.js'

/** Valid arguments, or a refusal when it is called. */
export type Arguments = () => readonly unknown[] | Promise<readonly unknown[]>

/** Which façade and method a request means. @throws CallError */
export function target(chain: Chain, request: CallRequest): { facade: Facade; method: FacadeMethod } {
  const facade = facadeOf(chain, request)
  const method = facade.methods.get(request.method)
  if (method === undefined) {
    throw new CallError('UnknownMethod', {
      message: `${facade.className} version ${request.version} has no method ${request.method}`
    })
  }
  return { facade, method }
}

/** R8: what the version of a request may be asked here, and what is disallowed. @throws CallError */
export function servedContract(chain: Chain, request: CallRequest): ServedContract {
  const { className, role, methods } = describeFacade(withoutInterceptor(facadeOf(chain, request)))
  return { className, version: request.version, role, methods }
}

function facadeOf(chain: Chain, request: CallRequest): Facade {
  const facade = chain.facades.get(request.revision)
  if (facade === undefined) throw withdrawn(chain, request)
  if (request.className !== undefined && request.className !== facade.className) {
    throw new CallError('UnknownClass', {
      message: `version ${request.version} of this peer's class is ${facade.className}, not ${request.className}`
    })
  }
  return facade
}

/**
 * A façade as this chain has it: simulation objects may have gone since a request met it. An interceptor stands in its delegate's place for
 * all but itself.
 */
export function standing(chain: Chain, facade: Facade): Facade | undefined {
  const found = chain.facades.get(facade.revision)
  return found !== undefined && facade.standsIn === undefined ? withoutInterceptor(found) : found
}

/** Of an interceptor in its delegate's place: the delegate. */
export function withoutInterceptor(facade: Facade): Facade {
  return facade.standsIn === undefined ? facade : (facade.delegate ?? facade)
}

/** The peer learns of a withdrawal a moment later; until then its calls still come here. */
export function withdrawn(chain: Chain, { revision, version }: { revision: number; version: number }): CallError {
  if (chain.building.has(revision)) {
    const message = `version ${version} is being introduced: its state is being built`
    return new CallError('NotYet', { message, retryAfterMs: 250 })
  }
  const found = chain.withdrawn.get(revision)
  if (found === undefined) {
    return new CallError('UnknownVersion', { message: `version ${version} is not served by this host` })
  }
  const message = `version ${version} is not served any more: ${found.cause}`
  return found.role === 'past'
    ? new CallError('Retired', { message, reason: found.cause })
    : new CallError('NotYet', { message, reason: found.cause, retryAfterMs: 1000 })
}

/**
 * Decodes and validates.
 *
 * @throws CallError InvalidInput, or OutOfContract where the validator throws; now or, where it takes time, when the arguments are asked for
 */
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
  let valid: readonly unknown[] | Promise<readonly unknown[]>
  try {
    valid = validate<readonly unknown[]>(method.input, args, invalid)
  } catch (error) {
    // A refusal, or a mistake of the validator, which is the class's.
    throw toCallError(error, facade, method.name)
  }
  // Whoever runs the call waits for it; until then a refusal is nobody's.
  if (valid instanceof Promise) valid.catch(() => undefined)
  return () => valid
}

export function describeFacade(code: FacadeCode): FacadeDescription {
  return {
    revision: code.revision,
    role: code.role,
    className: code.className,
    implementation: code.implementation.name,
    methods: [...code.methods.values()].map(({ name, kind, disallowed }) => ({
      name,
      kind,
      ...(disallowed === undefined ? {} : { disallowed })
    }))
  }
}
