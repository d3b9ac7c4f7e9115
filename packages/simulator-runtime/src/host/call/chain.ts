import { invariant, type StateMeta } from '@instar/core'
import type { LoadedCode } from '../open/load-code.js'
import { createFacade, type Facade, type FacadeCode } from './facade.js'

/** The façades that serve now, by revision (R2), and why others of the plan do not. */
export interface Chain {
  readonly facades: ReadonlyMap<number, Facade>
  readonly withdrawn: ReadonlyMap<number, Withdrawn>
  /** Twins whose state is not complete yet, and what stands on them (§8). */
  readonly building: ReadonlySet<number>
}

interface Withdrawn {
  readonly role: 'past' | 'future'
  readonly cause: string
}

/**
 * Builds the chain once for all requests: each simulation object over the next façade toward the object. An interceptor takes the object's
 * place on both sides (§7): whoever stands on the object, stands on it.
 */
export function chainOf(code: LoadedCode, meta: StateMeta): Chain {
  const past = served(code.past, meta.withdrawn?.past)
  const [future, building] = complete(served(code.future, meta.withdrawn?.future), meta)
  let count = 0
  const place = (each: FacadeCode, space: string | undefined, delegate: Facade | undefined): Facade => {
    invariant(space !== undefined, `no space for the façade of version ${each.revision}`)
    return createFacade(each, count++, space, delegate)
  }
  const object = place(code.object, meta.spaces.object, undefined)
  const interceptor = [past[0], future[0]].find(each => each?.model === 'interceptor')
  const center =
    interceptor?.instead === undefined
      ? object
      : place(interceptor.instead, meta.spaces[interceptor.role as 'past' | 'future'][interceptor.revision], object)
  const facades = new Map([[object.revision, center]])
  for (const [side, spaces] of [
    [past, meta.spaces.past],
    [future, meta.spaces.future]
  ] as const) {
    let delegate = center
    for (const each of side) {
      delegate = place(each, spaces[each.revision], each === interceptor ? object : delegate)
      facades.set(each.revision, delegate)
    }
  }
  return {
    facades,
    withdrawn: new Map([...reasons('past', code, meta), ...reasons('future', code, meta)]),
    building: new Set(building.map(each => each.revision))
  }
}

/** A twin serves when its state is complete. */
function complete(
  future: readonly FacadeCode[],
  { spaces }: StateMeta
): [complete: readonly FacadeCode[], building: readonly FacadeCode[]] {
  const first = future.findIndex(each => each.model === 'twin' && spaces.future[each.revision] === undefined)
  return first === -1 ? [future, []] : [future.slice(0, first), future.slice(first)]
}

/** What is withdrawn takes with it what stands on it. */
function served(codes: readonly FacadeCode[], withdrawn: Readonly<Record<string, string>> = {}): readonly FacadeCode[] {
  const first = codes.findIndex(each => withdrawn[each.revision] !== undefined)
  return first === -1 ? codes : codes.slice(0, first)
}

function reasons(role: 'past' | 'future', code: LoadedCode, meta: StateMeta): Array<[number, Withdrawn]> {
  const recorded = meta.withdrawn?.[role] ?? {}
  const gone = code[role].slice(served(code[role], recorded).length)
  const first = gone[0] === undefined ? '' : (recorded[gone[0].revision] ?? '')
  return gone.map(each => [each.revision, { role, cause: recorded[each.revision] ?? first }])
}

/** What stands on a simulation object, itself first, as the plan lists it. */
export function outwardOf(code: LoadedCode, role: 'past' | 'future', revision: number): readonly FacadeCode[] {
  const side = code[role]
  return side.slice(side.findIndex(each => each.revision === revision))
}
