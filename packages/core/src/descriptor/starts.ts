/** The part of a descriptor that says where its class upgrades start. */
interface Starting {
  readonly version: number
  readonly supersedes: readonly number[]
  readonly classes: ReadonlyArray<{
    readonly from?: number | undefined
    readonly oldClass?: string | undefined
    readonly newClass: string
  }>
}

/** The version that a class upgrade to `version` starts from. */
export function startOf({ from }: { readonly from?: number | undefined }, version: number): number {
  return from ?? version - 1
}

/** The versions from which a descriptor's class upgrades have to lead to it (§4), descending: one, unless it supersedes others. */
export function startsOf({ version, supersedes }: Pick<Starting, 'version' | 'supersedes'>): readonly number[] {
  return [version - 1, ...supersedes.map(each => each - 1)]
}

/**
 * §4: from each version that a peer may stand at there is one way to each class, and one only. A class that a descriptor touches is
 * therefore reached from every start; where a start does not have the class yet, it is brought there (no old class).
 */
export function flawOfStarts({ version, supersedes, classes }: Starting): string | undefined {
  const starts = startsOf({ version, supersedes })
  if (classes.some(each => each.from === version - 1))
    return `a class upgrade from version ${version - 1} does not say where it starts: that is understood`
  for (const start of starts) {
    const here = classes.filter(each => startOf(each, version) === start)
    const names = here.map(each => each.newClass)
    const olds = here.flatMap(each => each.oldClass ?? [])
    const from = starts.length === 1 ? '' : ` from version ${start}`
    if (new Set(names).size !== names.length) return `two class upgrades lead${from} to the same class`
    if (new Set(olds).size !== olds.length) return `two class upgrades start${from} from the same class`
  }
  for (const { newClass } of classes) {
    const missing = starts.find(
      start => !classes.some(each => each.newClass === newClass && startOf(each, version) === start)
    )
    if (missing !== undefined)
      return `it supersedes version ${version - starts.length + 1}, and the class ${newClass} cannot be reached from version ${missing}`
  }
  const stray = classes.find(each => !starts.includes(startOf(each, version)))
  return stray === undefined
    ? undefined
    : `a class upgrade to ${stray.newClass} starts from version ${startOf(stray, version)}, where this version is not reached from`
}
