import type { KeptState, StateMeta } from '@instar/core'

type Left = Pick<KeptState, 'current' | 'chainId' | 'revision' | 'spaces'>

/** So many at most, whatever the policy: the record is written with every change of what it names. */
const keptMax = 64

/**
 * The record with one more state that is kept for the operator's restore: one that nothing runs on or writes to any more. It goes when the
 * peer's policy lets it go.
 */
export function keep(meta: StateMeta, { current, chainId, revision, spaces }: Left, sinceMs: number): StateMeta {
  const generation = Math.max(meta.generation, (meta.kept?.at(-1)?.generation ?? 0) + 1)
  const state: KeptState = { generation, current, chainId, revision, spaces, sinceMs }
  return { ...meta, kept: [...(meta.kept ?? []), state].slice(-keptMax) }
}

/** The state of an object that an upgrade has left behind: whatever of it nothing serves any more. */
export function keepObject(meta: StateMeta, left: Left, sinceMs: number): StateMeta {
  const { object, past, future } = meta.spaces
  const isServed = [object, ...Object.values(past), ...Object.values(future)].includes(left.spaces.object)
  return isServed
    ? meta
    : keep(meta, { ...left, spaces: { object: left.spaces.object, past: {}, future: {} } }, sinceMs)
}

/**
 * The record after past simulation objects have gone: a twin among them was a whole object, whose state is kept like any other.
 *
 * @param served by revision, what is served from now on
 */
export function keepOutgrown(meta: StateMeta, served: Readonly<Record<string, string>>, sinceMs: number): StateMeta {
  let kept = meta
  const still: Record<string, { readonly current: number; readonly chainId: string }> = {}
  for (const [revision, was] of Object.entries(meta.outgrown ?? {})) {
    const object = meta.spaces.past[revision]
    if (served[revision] !== undefined) still[revision] = was
    else if (object !== undefined)
      kept = keep(kept, { ...was, revision: Number(revision), spaces: { object, past: {}, future: {} } }, sinceMs)
  }
  const { outgrown: _replaced, ...rest } = kept
  return Object.keys(still).length === 0 ? rest : { ...rest, outgrown: still }
}
