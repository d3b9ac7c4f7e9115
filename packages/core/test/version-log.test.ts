import { describe, expect, it } from 'vitest'
import {
  appendVersion,
  chainId,
  classAt,
  entryOf,
  findLineage,
  InvariantViolation,
  upgradeAt,
  type VersionLog
} from '../src/index.js'
import { classUpgrade, descriptor, network, versions } from './descriptors.js'

/** v1 Counter1; v2 changes its contract; v3 changes its code only; v4 leaves it alone and brings a class of its own; v5 changes it again. */
function mixedLog(): VersionLog {
  return versions(5, version => {
    if (version === 3)
      return { classes: [{ ...classUpgrade(3), newClass: 'Counter2', oldClass: 'Counter2', compatible: true }] }
    if (version === 4) return { classes: [{ ...classUpgrade(1), newClass: 'Queue' }] }
    if (version === 5) return { classes: [{ ...classUpgrade(5), oldClass: 'Counter2', newClass: 'Counter5' }] }
    return {}
  })
}

describe('chain ids', () => {
  it('chain every version to all before it (§6)', () => {
    const log = versions(3)
    const other = appendVersion(appendVersion(log.slice(0, 1), descriptor(log.slice(0, 1), { title: 'another' })), {
      ...descriptor(log.slice(0, 2)),
      previous: chainId(
        log[0]!.chainId,
        2,
        appendVersion(log.slice(0, 1), descriptor(log.slice(0, 1), { title: 'another' }))[1]!.descriptorHash
      )
    })
    expect(new Set([...log, ...other.slice(1)].map(entry => entry.chainId)).size).toBe(5)
    expect(chainId(network, 1, log[0]!.descriptorHash)).toBe(log[0]!.chainId)
  })

  it('do not take a descriptor that follows another chain, or leaves a gap', () => {
    const log = versions(1)
    expect(() => appendVersion(log, { ...descriptor(log), previous: network })).toThrow(InvariantViolation)
    expect(() => appendVersion([], descriptor(log))).toThrow(InvariantViolation)
  })
})

describe('class revisions', () => {
  const log = mixedLog()
  const lineage = findLineage(log, 'Counter1')!

  it('follow contracts, not code and not numbers (§6)', () => {
    const at = [1, 2, 3, 4, 5].map(version => classAt(log, lineage, version))
    expect(at.map(each => each.revision)).toEqual([1, 2, 2, 2, 5])
    expect(at.map(each => each.codeVersion)).toEqual([1, 2, 3, 3, 5])
    expect(at.map(each => each.className)).toEqual(['Counter1', 'Counter2', 'Counter2', 'Counter2', 'Counter5'])
  })

  it('find a class by any name that it ever had', () => {
    for (const name of ['Counter1', 'Counter2', 'Counter5']) expect(findLineage(log, name)).toEqual(lineage)
    expect(findLineage(log, 'Queue')).toEqual({ since: 4, className: 'Queue' })
    expect(findLineage(log, 'Queue', 3)).toBeUndefined()
    expect(findLineage(log, 'Stack')).toBeUndefined()
  })

  it('say which versions leave a class alone', () => {
    expect([1, 2, 3, 4, 5].map(version => upgradeAt(log, lineage, version) !== undefined)).toEqual([
      true,
      true,
      true,
      false,
      true
    ])
    expect(entryOf(log, 4).descriptor.title).toBe('version 4')
  })
})
