import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-budget.js'
import {
  bundleId,
  chunkBytes,
  descriptorHash,
  encodeAnnouncement,
  encodeDescriptor,
  encodeManifest,
  parseAnnouncement,
  parseBoundedJson,
  parseDescriptor,
  parseManifest,
  sha256Hex,
  toCanonicalJson,
  type Announcement,
  type Json,
  type Manifest
} from '../src/index.js'
import { classUpgrade, descriptor, network, repair, versions } from './descriptors.js'

const limits = { bytesMax: 1000, depthMax: 4, itemsMax: 20 }
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const sha = 'a'.repeat(64)

describe('canonical JSON', () => {
  it('is the same for the same value whatever the order of its keys', () => {
    const text = (value: Json): string => new TextDecoder().decode(toCanonicalJson(value))
    expect(text({ b: [1, { d: null, c: 'é' }], a: true })).toBe('{"a":true,"b":[1,{"c":"é","d":null}]}')
    expect(text({ a: true, b: [1, { c: 'é', d: null }] })).toBe('{"a":true,"b":[1,{"c":"é","d":null}]}')
  })

  it('refuses numbers that not everybody reads alike', () => {
    for (const number of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
      expect(() => toCanonicalJson(number)).toThrow(TypeError)
  })
})

describe('reading JSON from a peer', () => {
  it.each([
    ['TooLarge', `"${'x'.repeat(1000)}"`],
    ['TooDeep', '[[[[[1]]]]]'],
    ['TooManyItems', `[${'1,'.repeat(30)}1]`],
    ['NotJson', '{"a":'],
    ['NotJson', '']
  ])('rejects %s', (code, text) => {
    expect(parseBoundedJson(bytesOf(text), limits)).toMatchObject({ verdict: 'reject', code })
  })

  it('is not misled by brackets in strings', () => {
    expect(parseBoundedJson(bytesOf('{"a":"[[[[[\\"[[[[["}'), limits)).toMatchObject({ verdict: 'accept' })
  })

  it('never throws, whatever the bytes', () => {
    const readers = [
      (bytes: Uint8Array) => parseBoundedJson(bytes, limits),
      parseDescriptor,
      (bytes: Uint8Array) => parseManifest(bytes),
      parseAnnouncement
    ]
    const nearlyJson = fc.json({ maxDepth: 6 }).chain(text =>
      fc.tuple(fc.nat(text.length), fc.nat(255)).map(([at, byte]) => {
        const bytes = bytesOf(text)
        if (at < bytes.length) bytes[at] = byte
        return bytes
      })
    )
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), nearlyJson), bytes => {
        for (const read of readers) expect(['accept', 'ignore', 'reject']).toContain(read(bytes).verdict)
      }),
      { numRuns: propertyRuns(500) }
    )
  })
})

describe('a descriptor', () => {
  const [genesis, second] = versions(2).map(entry => entry.descriptor)
  const repaired = repair(versions(2), 1)

  it('that supersedes others leads on from each version where a peer may stand (§4)', () => {
    for (const each of [repaired, repair(versions(4), 3)])
      expect(parseDescriptor(encodeDescriptor(each))).toEqual({ verdict: 'accept', value: each })
  })

  it('survives being written and read', () => {
    expect(parseDescriptor(encodeDescriptor(second!))).toEqual({ verdict: 'accept', value: second })
    expect(descriptorHash(second!)).toBe(sha256Hex(encodeDescriptor(second!)))
  })

  it('has one byte form only: another spelling of the same is refused', () => {
    const text = new TextDecoder().decode(encodeDescriptor(second!))
    expect(parseDescriptor(bytesOf(` ${text}`))).toMatchObject({ verdict: 'reject', code: 'NotCanonical' })
  })

  it.each([
    ['two upgrades that lead to one class', { classes: [classUpgrade(2), { ...classUpgrade(2), oldClass: 'Other' }] }],
    ['two upgrades from one class', { classes: [classUpgrade(2), { ...classUpgrade(2), newClass: 'Other' }] }],
    ['superseding with a gap', { version: 5, supersedes: [3] }],
    ['a class upgrade that starts where nobody stands', { classes: [{ ...classUpgrade(2), from: 7 }] }],
    ['a start that is understood', { version: 3, classes: [{ ...classUpgrade(3), from: 2 }] }],
    ['superseding without a way from below', { version: 3, supersedes: [2], classes: [classUpgrade(3)] }],
    [
      'two ways from one start',
      { ...repaired, classes: [...repaired.classes, { ...repaired.classes[1]!, newClass: 'Other' }] }
    ],
    [
      'a start below those that it supersedes',
      { ...repaired, version: 4, supersedes: [3], classes: [...repaired.classes, { ...repaired.classes[1]!, from: 1 }] }
    ],
    ['superseding genesis', { version: 2, supersedes: [1] }],
    ['a field that no release knows', { surprise: 1 }],
    ['a version that is no number', { version: '2' }],
    ['no classes', { classes: [] }]
  ])('with %s is refused', (_what, over) => {
    const bytes = toCanonicalJson({ ...second, ...over } as unknown as Json)
    expect(parseDescriptor(bytes)).toMatchObject({ verdict: 'reject', code: 'NotADescriptor' })
  })

  it('of genesis has no old classes and follows the network id', () => {
    expect(parseDescriptor(encodeDescriptor(genesis!)).verdict).toBe('accept')
    const other = descriptor([], { previous: sha })
    expect(parseDescriptor(encodeDescriptor(other))).toMatchObject({ verdict: 'reject' })
    const old = descriptor([], { classes: [{ ...classUpgrade(1), oldClass: 'Counter0' }] })
    expect(parseDescriptor(encodeDescriptor(old))).toMatchObject({ verdict: 'reject' })
  })
})

describe('a manifest', () => {
  const file = (path: string, bytes = 10): Manifest['files'][number] => ({
    path,
    bytes,
    sha256: sha,
    chunks: Array.from({ length: Math.ceil(bytes / chunkBytes) }, () => sha)
  })

  it('is the one that its hash names, or none', () => {
    const manifest: Manifest = { format: 1, files: [file('a.js'), file('b/c.js', chunkBytes + 1)] }
    const bytes = encodeManifest(manifest)
    expect(parseManifest(bytes, bundleId(manifest))).toEqual({ verdict: 'accept', value: manifest })
    expect(parseManifest(bytes, sha)).toMatchObject({ verdict: 'reject', code: 'WrongHash' })
  })

  it.each(['../a', '/a', 'a/../../b', 'a//b', './a', 'a/.', 'a\\b', 'C:a', '', 'a\u0000b', '..'])(
    'names no file outside its folder: %j',
    path => {
      const bytes = encodeManifest({ format: 1, files: [file(path)] })
      expect(parseManifest(bytes)).toMatchObject({ verdict: 'reject' })
    }
  )

  it.each([
    ['unsorted paths', [file('b'), file('a')]],
    ['one path twice', [file('a'), file('a')]],
    ['too few chunk digests', [{ ...file('a', chunkBytes + 1), chunks: [sha] }]],
    ['more bytes than a bundle may have', [file('a', 200 * 1024 * 1024), file('b', 200 * 1024 * 1024)]]
  ])('with %s is refused', (_what, files) => {
    expect(parseManifest(encodeManifest({ format: 1, files }))).toMatchObject({ verdict: 'reject' })
  })
})

describe('an announcement', () => {
  const statement: Announcement = {
    format: 1,
    network,
    peer: '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp',
    class: 'Counter1',
    groups: ['east'],
    epoch: 1,
    seq: 1,
    running: { version: 1, chainId: '0123456789abcdef' },
    floor: 1,
    served: [1, 2],
    versions: [{ version: 2, chainId: '0123456789abcdef', phase: 'waiting', reason: 'why not' }],
    newest: 2,
    instar: '0.0.0'
  }

  it('survives being written and read', () => {
    expect(parseAnnouncement(encodeAnnouncement(statement))).toEqual({ verdict: 'accept', value: statement })
  })

  it.each([
    ['an unknown phase', { versions: [{ version: 2, chainId: '0123456789abcdef', phase: 'dancing' }] }],
    ['version 0', { running: { version: 0, chainId: '0123456789abcdef' } }],
    ['a sequence of 0', { seq: 0 }],
    ['too many versions', { versions: Array.from({ length: 17 }, () => statement.versions[0]) }]
  ])('with %s is refused', (_what, over) => {
    expect(parseAnnouncement(encodeAnnouncement({ ...statement, ...over } as Announcement))).toMatchObject({
      verdict: 'reject'
    })
  })
})
