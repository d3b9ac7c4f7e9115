import { startOf, startsOf } from '../descriptor/starts.js'
import type { Descriptor } from '../descriptor/descriptor.js'
import { entryOf, findLineage, upgradeAt, type VersionLog } from './version-log.js'

/**
 * What keeps a descriptor that supersedes others from leading everybody on (§4), in words; undefined for one that does, or supersedes
 * nothing. Two things show only beside the versions before it: whether somebody steps over so much that no class upgrade starts where he
 * stands, and whether a class would be two different ones afterwards.
 *
 * @param log the versions before it
 */
export function flawInHistory(log: VersionLog, { version, supersedes, classes }: Descriptor): string | undefined {
  const lowest = supersedes.at(-1)
  if (lowest === undefined) return undefined
  for (const superseded of supersedes) {
    const stepped = entryOf(log, superseded).descriptor.supersedes.at(-1)
    if (stepped !== undefined && stepped < lowest)
      return `version ${superseded} supersedes version ${stepped}, so version ${version} has to supersede it too: those below know no other way`
  }
  for (const start of startsOf({ version, supersedes })) {
    for (const touched of supersedes.filter(each => each <= start)) {
      for (const { newClass } of entryOf(log, touched).descriptor.classes) {
        const now = nameAt(log, newClass, touched, start)
        if (now === undefined || classes.some(each => each.oldClass === now && startOf(each, version) === start))
          continue
        return `version ${touched}, which it supersedes, brought ${newClass}, and no class upgrade leads on from ${now} at version ${start}: peers that skip it would be left with another class than those that ran it`
      }
    }
  }
  return undefined
}

/** What a class of one version is called at a later one, by the way that leads through both; undefined where none does. */
function nameAt(log: VersionLog, className: string, version: number, later: number): string | undefined {
  const lineage = findLineage(log, className, version)
  if (lineage === undefined) return undefined
  let name = className
  for (let v = version + 1; v <= later; v++) {
    if (entryOf(log, v).descriptor.supersedes.includes(version)) return undefined
    name = upgradeAt(log, { ...lineage, ran: [version] }, v)?.newClass ?? name
  }
  return name
}
