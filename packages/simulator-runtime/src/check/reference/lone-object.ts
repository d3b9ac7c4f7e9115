import { CallError } from '@instar/core'
import { decodeValue, encodeValue } from '../../codec/codec.js'
import type { Contract } from '../../contract/contract.js'
import type { ObjectContext } from '../../definition/context.js'
import type { ClassDefinition } from '../../definition/define-class.js'
import type { FacadeCode } from '../../host/call/facade.js'
import { outOfContract, toCallError } from '../../host/call/failures.js'
import { seededRandom } from '../../host/call/seeded-random.js'
import { validate } from '../../host/call/validate.js'
import type { StateView } from '../../state/state-view.js'
import { MemoryState } from './memory-state.js'

/** What all façades of one request share. */
export interface RequestMoment {
  readonly now: number
  /** Of `ctx.random()`. */
  readonly seed: number
  readonly caller: string
}

export type Answer = { readonly value: unknown } | { readonly code: string; readonly message: string }

export function isError(answer: Answer): answer is { readonly code: string; readonly message: string } {
  return 'code' in answer
}

/** A call as a caller sees it end. */
export async function answerOf(call: Promise<unknown>): Promise<Answer> {
  try {
    return { value: await call }
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    return { code: error.code, message: error.detail.message }
  }
}

/** One class alone on its own whole state, as if there were no other version: what a version must look like to its callers. */
export class LoneObject {
  readonly #definition: ClassDefinition
  readonly #facade: FacadeCode
  #state: MemoryState

  constructor(definition: ClassDefinition, version: number, state: MemoryState) {
    this.#definition = definition
    this.#facade = { className: definition.contract.name, revision: version, role: 'object' } as FacadeCode
    this.#state = state
  }

  static async create(definition: ClassDefinition, version: number): Promise<LoneObject> {
    const state = new MemoryState()
    if (definition.initialize !== undefined) await state.change(definition.initialize)
    return new LoneObject(definition, version, state)
  }

  get contract(): Contract {
    return this.#definition.contract
  }

  get state(): MemoryState {
    return this.#state
  }

  copy(): LoneObject {
    return new LoneObject(this.#definition, this.#facade.revision, this.#state.copy())
  }

  /** From now on this is its state. */
  become(state: MemoryState): void {
    this.#state = state
  }

  /** Takes effect wholly, or where it fails not at all. A query's writes are refused. */
  call(method: string, args: readonly unknown[], moment: RequestMoment): Promise<Answer> {
    return answerOf(this.#call(method, args, moment))
  }

  async #call(name: string, args: readonly unknown[], moment: RequestMoment): Promise<unknown> {
    const method = this.#definition.contract.methods[name]
    if (method === undefined) throw new CallError('UnknownMethod', { message: `there is no method ${name}` })
    const valid = await validate<readonly unknown[]>(
      method.input['~standard'],
      args,
      flaw => new CallError('InvalidInput', { message: `${this.#facade.className}.${name}: ${flaw}` })
    )
    const run = async (state: StateView): Promise<unknown> => {
      try {
        const result = await this.#run(name, valid, state, moment)
        return await validate(method.output['~standard'], result, flaw =>
          outOfContract(this.#facade, name, `its answer is invalid: ${flaw}`)
        )
      } catch (error) {
        throw toCallError(error, this.#facade, name)
      }
    }
    const answer = method.kind === 'query' ? await run(this.#state.view()) : await this.#state.change(run)
    return decodeValue(encodeValue(answer))
  }

  #run(name: string, args: readonly unknown[], state: StateView, moment: RequestMoment): unknown {
    const random = seededRandom(moment.seed)
    const context: ObjectContext = {
      state,
      signal: new AbortController().signal,
      caller: moment.caller,
      now: () => moment.now,
      random,
      peer: () => ({}) as never,
      // What it sends is heard by nobody here: nothing of it comes back to this object.
      after: (_peer, contract) =>
        Object.fromEntries(Object.keys(contract.methods).map(each => [each, () => undefined])) as never,
      self: () => ({}) as never,
      // Kept or not, the answers are the same.
      cache: instance => instance
    }
    const instance = Object.freeze(new this.#definition.implementation(context)) as Record<
      string,
      (...args: readonly unknown[]) => unknown
    >
    return instance[name]?.(...args)
  }
}
