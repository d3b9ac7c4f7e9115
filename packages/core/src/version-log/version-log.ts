import { fromHex, sha256Hex } from '../codec/hash.js'
import { descriptorHash, type ClassUpgrade, type Descriptor } from '../descriptor/descriptor.js'
import { startOf } from '../descriptor/starts.js'
import { invariant } from '../errors.js'

/** One trusted version of the network: its descriptor and the chain id that tells it from any other version of the same number (§6). */
export interface VersionEntry {
  readonly version: number
  readonly chainId: string
  readonly descriptorHash: string
  readonly descriptor: Descriptor
}

/** The gapless run of trusted versions 1 … n; the entry of version v stands at index v - 1. */
export type VersionLog = readonly VersionEntry[]

/** Digits of a chain id that calls, announcements and stored records carry (§6: 8 bytes). */
export const chainIdPrefixLength = 16

/**
 * id(1) = H(network ‖ 1 ‖ descriptor 1), id(v) = H(id(v-1) ‖ v ‖ descriptor v) (§6); the version is four bytes, big endian.
 *
 * @param previous - chain id of the version before; the network id for version 1
 */
export function chainId(previous: string, version: number, hashOfDescriptor: string): string {
  const number = new Uint8Array(4)
  new DataView(number.buffer).setUint32(0, version)
  return sha256Hex(fromHex(previous), number, fromHex(hashOfDescriptor))
}

/** The log with one more version. The descriptor must be the successor of the newest: trust checks that before. */
export function appendVersion(log: VersionLog, descriptor: Descriptor): VersionLog {
  const newest = log.at(-1)
  const previous = newest?.chainId ?? descriptor.network
  invariant(
    descriptor.version === log.length + 1,
    `version ${descriptor.version} does not follow version ${log.length}`
  )
  invariant(descriptor.previous === previous, `descriptor ${descriptor.version} follows another chain`)
  const hash = descriptorHash(descriptor)
  return [
    ...log,
    {
      version: descriptor.version,
      chainId: chainId(previous, descriptor.version, hash),
      descriptorHash: hash,
      descriptor
    }
  ]
}

/** The entry of a version that the log is known to hold. */
export function entryOf(log: VersionLog, version: number): VersionEntry {
  const entry = log[version - 1]
  invariant(entry !== undefined, `version ${version} is not in the log of ${log.length}`)
  return entry
}

/** The part of a chain id that travels; undefined for a version that the log does not hold. */
export function chainIdPrefix(log: VersionLog, version: number): string | undefined {
  return log[version - 1]?.chainId.slice(0, chainIdPrefixLength)
}

/** A class through all its names: it is found by the version that brought it into the network and its name there. */
export interface Lineage {
  readonly since: number
  readonly className: string
  /**
   * Of an object's own lineage: the versions that it has run although a later one supersedes them. Its way leads through them, and that of
   * others past them (§4). Absent: none.
   */
  readonly ran?: readonly number[]
}

// Versions are one line, and the way of an object along it is not the same for all (§4): a version that supersedes others is reached from each
// of them by those that run it, and past them by those below. So a way is told from its end: before v comes the nearest version that neither v
// nor one in between supersedes, or that this object has run all the same.

/** The version from which this object comes, or would come, to the given one; 0 before the first. */
export function versionBefore(log: VersionLog, { ran }: Pick<Lineage, 'ran'>, version: number): number {
  let lowest = version
  for (let v = version - 1; v >= 1; v--) {
    lowest = Math.min(lowest, v + 1 - entryOf(log, v + 1).descriptor.supersedes.length)
    if (lowest > v || ran?.includes(v) === true) return v
  }
  return 0
}

/** The versions through which an object of this lineage comes to the given one, ascending, both ends included. */
export function wayTo(log: VersionLog, lineage: Lineage, version: number): readonly number[] {
  const way: number[] = []
  for (let v = version; v >= lineage.since; v = versionBefore(log, lineage, v)) way.push(v)
  return way.reverse()
}

/** The lowest version above this one that supersedes it (§4). */
export function supersederOf(log: VersionLog, version: number): number | undefined {
  for (let v = version + 1; v <= log.length; v++) if (entryOf(log, v).descriptor.supersedes.includes(version)) return v
  return undefined
}

/** What a lineage is at one version. */
export interface ClassAt {
  readonly className: string
  /** The newest version that changed its code. */
  readonly codeVersion: number
  /** The newest version that changed its contract: rev(class, k) of §6. */
  readonly revision: number
  /** The class upgrade that brought the code. */
  readonly upgrade: ClassUpgrade
}

/** The lineage that bears this name at the given version, or bore it before: the newest bearer wins. */
export function findLineage(log: VersionLog, className: string, version: number = log.length): Lineage | undefined {
  for (let v = Math.min(version, log.length); v >= 1; v--) {
    const upgrades = entryOf(log, v).descriptor.classes.filter(each => each.newClass === className)
    // What a superseded version brought is new to those below it, and older to those on it.
    const upgrade = upgrades.find(each => each.oldClass !== undefined) ?? upgrades[0]
    if (upgrade !== undefined) return originOf(log, v, upgrade)
  }
  return undefined
}

/** Undefined for an upgrade of a class that never existed: authors may sign nonsense, nobody runs it. */
function originOf(log: VersionLog, version: number, upgrade: ClassUpgrade): Lineage | undefined {
  if (upgrade.oldClass === undefined) return { since: version, className: upgrade.newClass }
  return findLineage(log, upgrade.oldClass, startOf(upgrade, version))
}

/**
 * The upgrade of this lineage at exactly this version, from where its way leads there; undefined: the lineage is unaffected by it.
 */
export function upgradeAt(log: VersionLog, lineage: Lineage, version: number): ClassUpgrade | undefined {
  if (version < lineage.since) return undefined
  const at = walk(log, lineage, version)
  return at?.codeVersion === version ? at.upgrade : undefined
}

/** What the lineage is at a version of the log, which must not lie before the lineage began. */
export function classAt(log: VersionLog, lineage: Lineage, version: number): ClassAt {
  const at = walk(log, lineage, version)
  invariant(at !== undefined, `class ${lineage.className} does not exist at version ${version}`)
  return at
}

function walk(log: VersionLog, lineage: Lineage, version: number): ClassAt | undefined {
  const way = wayTo(log, lineage, version)
  return along(log, lineage, way) ?? along(log, lineage, [lineage.since, ...way])
}

function along(log: VersionLog, lineage: Lineage, way: readonly number[]): ClassAt | undefined {
  let at: ClassAt | undefined
  let before: number | undefined
  for (const v of way) {
    const { descriptor } = entryOf(log, v)
    const upgrade: ClassUpgrade | undefined =
      at === undefined
        ? broughtBy(descriptor, lineage)
        : descriptor.classes.find(each => each.oldClass === at?.className && startOf(each, v) === before)
    before = v
    if (upgrade === undefined) continue
    at = {
      className: upgrade.newClass,
      codeVersion: v,
      revision: upgrade.compatible && at !== undefined ? at.revision : v,
      upgrade
    }
  }
  return at
}

/** The class upgrade that brings the lineage into the network: at the version that began it, or at the one that supersedes that. */
function broughtBy({ version, classes }: Descriptor, { since, className }: Lineage): ClassUpgrade | undefined {
  const names =
    version === since ? [className] : classes.flatMap(each => (each.oldClass === className ? [each.newClass] : []))
  return classes.find(each => each.oldClass === undefined && names.includes(each.newClass))
}

/** The classes of a version by name, each with what brought its code, as who comes to it past all superseded versions has them. */
export function classesAt(log: VersionLog, version: number): ReadonlyMap<string, ClassUpgrade> {
  const classes = new Map<string, ClassUpgrade>()
  let before = 0
  for (const v of wayTo(log, { since: 1, className: '' }, version)) {
    const upgrades = entryOf(log, v).descriptor.classes.filter(each => startOf(each, v) === before)
    for (const { oldClass } of upgrades) if (oldClass !== undefined) classes.delete(oldClass)
    for (const each of upgrades) classes.set(each.newClass, each)
    before = v
  }
  return classes
}
