import { describe, expect, it } from 'vitest'
import {
  appendVersion,
  chainId,
  classAt,
  entryOf,
  findLineage,
  flawInHistory,
  InvariantViolation,
  upgradeAt,
  wayTo,
  type VersionLog
} from '../src/index.js'
import { classUpgrade, descriptor, network, repair, versions } from './descriptors.js'

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

describe('the way to a version that supersedes others (§4)', () => {
  const log = appendVersion(versions(4), repair(versions(4), 2))
  const lineage = findLineage(log, 'Counter1')!

  it('leads past them, or on from the one that runs', () => {
    expect(wayTo(log, lineage, 5)).toEqual([1, 2, 5])
    expect(wayTo(log, { ...lineage, ran: [3] }, 5)).toEqual([1, 2, 3, 5])
    expect(wayTo(log, { ...lineage, ran: [3, 4] }, 5)).toEqual([1, 2, 3, 4, 5])
    expect([2, 3, 4].map(from => upgradeAt(log, { ...lineage, ran: [from] }, 5)?.oldClass)).toEqual([
      'Counter2',
      'Counter3',
      'Counter4'
    ])
  })

  it('is the same before they were superseded', () => {
    expect(wayTo(log, lineage, 4)).toEqual([1, 2, 3, 4])
    expect(classAt(log, lineage, 4).className).toBe('Counter4')
  })

  it('finds the class whichever way it came', () => {
    for (const name of ['Counter2', 'Counter3', 'Counter4', 'Counter5']) expect(findLineage(log, name)).toEqual(lineage)
  })

  it('begins where they do for a class that a superseded version brought', () => {
    const brought = versions(2, version =>
      version === 2 ? { classes: [{ ...classUpgrade(1), newClass: 'Queue' }] } : {}
    )
    const classes = [
      { ...classUpgrade(3), oldClass: 'Queue', newClass: 'Deque' },
      { ...classUpgrade(1), newClass: 'Deque', from: 1 }
    ]
    const repaired = appendVersion(brought, descriptor(brought, { supersedes: [2], classes }))
    const queue = findLineage(repaired, 'Deque')!
    expect(queue).toEqual({ since: 2, className: 'Queue' })
    expect(upgradeAt(repaired, queue, 3)?.oldClass).toBeUndefined()
    expect(upgradeAt(repaired, { ...queue, ran: [2] }, 3)?.oldClass).toBe('Queue')
  })
})

describe('the history of a version that supersedes others', () => {
  it('must not leave those below without a way', () => {
    const log = appendVersion(versions(2), repair(versions(2), 1))
    expect(flawInHistory(log, repair(log, 1))).toContain('version 3 supersedes version 2')
    expect(flawInHistory(log, repair(log, 2))).toBeUndefined()
  })

  it('must not make two classes of one', () => {
    const both = (version: number) =>
      version < 3 ? { classes: [classUpgrade(version), { ...classUpgrade(version), ...queue(version) }] } : {}
    const queue = (version: number) => ({
      ...(version === 1 ? {} : { oldClass: `Queue${version - 1}` }),
      newClass: `Queue${version}`
    })
    const log = versions(2, both)
    const one = repair(log, 1)
    expect(flawInHistory(log, one)).toContain('no class upgrade leads on from Queue2 at version 2')
    const queues = one.classes.map((each, i) => ({ ...each, oldClass: `Queue${2 - i}`, newClass: 'Queue3' }))
    expect(flawInHistory(log, { ...one, classes: [...one.classes, ...queues] })).toBeUndefined()
  })
})
