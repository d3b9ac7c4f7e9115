import { fromHex, sha256Hex } from '../codec/hash.js'
import { descriptorHash, type ClassUpgrade, type Descriptor } from '../descriptor/descriptor.js'
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
    const upgrade = entryOf(log, v).descriptor.classes.find(each => each.newClass === className)
    if (upgrade !== undefined) return originOf(log, v, upgrade)
  }
  return undefined
}

/** Undefined for an upgrade of a class that never existed: authors may sign nonsense, nobody runs it. */
function originOf(log: VersionLog, version: number, upgrade: ClassUpgrade): Lineage | undefined {
  if (upgrade.oldClass === undefined) return { since: version, className: upgrade.newClass }
  return findLineage(log, upgrade.oldClass, version - 1)
}

/** The upgrade of this lineage at exactly this version; undefined: the lineage is unaffected by it. */
export function upgradeAt(log: VersionLog, lineage: Lineage, version: number): ClassUpgrade | undefined {
  if (version < lineage.since) return undefined
  const classes = entryOf(log, version).descriptor.classes
  if (version === lineage.since) return classes.find(each => each.newClass === lineage.className)
  const before = classAt(log, lineage, version - 1)
  return classes.find(each => each.oldClass === before.className)
}

/** What the lineage is at a version of the log, which must not lie before the lineage began. */
export function classAt(log: VersionLog, lineage: Lineage, version: number): ClassAt {
  let at: ClassAt | undefined
  for (let v = lineage.since; v <= version; v++) {
    const classes = entryOf(log, v).descriptor.classes
    const upgrade: ClassUpgrade | undefined =
      at === undefined
        ? classes.find(each => each.newClass === lineage.className)
        : classes.find(each => each.oldClass === at?.className)
    if (upgrade === undefined) continue
    at = {
      className: upgrade.newClass,
      codeVersion: v,
      revision: upgrade.compatible && at !== undefined ? at.revision : v,
      upgrade
    }
  }
  invariant(at !== undefined, `class ${lineage.className} does not exist at version ${version}`)
  return at
}
