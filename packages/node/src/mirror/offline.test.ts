import { readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleId, chunkBytes, encodeManifest, sha256Hex, toCanonicalJson, type Manifest } from '@instar/core'
import { freshUntilMs, restoreTrust } from '@instar/signer'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../../test/property-budget.js'
import { descriptorOf, makeNetwork, manifest, type TestNetwork } from '../../test/authors.js'
import { knows, stoppedPeer, theBundle, within } from '../../test/carried.js'
import { contentAt, temporaryDirectory } from '../../test/peers.js'
import { createBundleStore } from '../bundles/bundle-store.js'
import { readStoredAnnouncement, sealAnnouncement } from '../overlay/announcement-envelope.js'
import { dataPaths } from '../store/data-paths.js'
import type { CarriedPeer } from './carried-peer.js'
import { exportOffline, type ExportedOffline } from './export-offline.js'
import { importOffline } from './import-offline.js'
import { inspectOfflineFile } from './offline-inspect.js'
import { encodeOfflineRecord, offlineMagic, type OfflineHeader } from './offline-record.js'

let net: TestNetwork
/** Knows three versions, and holds their bundle. */
let author: string
let file: string
let exported: ExportedOffline

beforeAll(async () => {
  net = await makeNetwork()
  const documents = [...net.documents, ...(await net.next()), ...(await net.next())]
  author = await stoppedPeer(net.network, documents, true)
  file = join(await temporaryDirectory(), 'network.instar')
  exported = await exportFrom(author, file)
})

function exportFrom(
  directory: string,
  to: string,
  span: { from?: number; to?: number } = {}
): Promise<ExportedOffline> {
  return within(directory, async peer =>
    exportOffline({
      network: peer.network,
      trusted: await peer.trustDocuments(),
      announcements: await peer.announcements(),
      file: to,
      ...span,
      bundles: dataPaths(directory).bundles,
      now: () => Date.now()
    })
  )
}

function importTo(directory: string, from: string, dryRun = false) {
  return within(directory, peer => importOffline({ peer, file: from, nowMs: Date.now(), dryRun }))
}

/** Nothing may be asked of it. */
const untouched = new Proxy({} as CarriedPeer, {
  get(_, name) {
    if (name === 'network') return net.network
    throw new Error(`the peer was asked for ${String(name)}`)
  }
})

async function importNothing(bytes: Uint8Array): Promise<unknown> {
  const path = join(await temporaryDirectory(), 'altered.instar')
  await writeFile(path, bytes)
  return importOffline({ peer: untouched, file: path, nowMs: Date.now() }).catch((thrown: unknown) => thrown)
}

describe('a network carried in one file', () => {
  it('is the same where it arrives, code included, and is brought twice without harm', async () => {
    expect(exported).toMatchObject({ from: 1, to: 3, descriptors: 3, bundles: [theBundle], missingBundles: [] })
    expect((await stat(file)).size).toBe(exported.bytes)
    const other = await stoppedPeer(net.network)
    const { documents, descriptors } = exported
    expect(await importTo(other, file, true)).toMatchObject({
      documents: documents + descriptors,
      bundles: [theBundle]
    })
    expect(await knows(other)).toEqual({ documents: 0, descriptors: 0 })
    expect(await importTo(other, file)).toMatchObject({ documents: documents + descriptors, bundles: [theBundle] })
    expect(await knows(other)).toEqual({ documents, descriptors })
    expect(await within(other, peer => peer.bundle(theBundle))).toMatchObject({ complete: true })
    expect(await importTo(other, file)).toMatchObject({ documents: 0, known: documents + descriptors, bundles: [] })
  })

  it('recovers a peer that was off for a year and has no network', async () => {
    const yearMs = 366 * 86_400_000
    const old = await makeNetwork({}, Date.now() - yearMs)
    const sleeper = await stoppedPeer(old.network, old.documents)
    const news = [...old.documents, ...(await old.next())]
    old.pass(yearMs)
    news.push(...(await old.next()))
    const awake = await stoppedPeer(old.network, news, true)
    const fresh = join(await temporaryDirectory(), 'year.instar')
    await exportFrom(awake, fresh)
    const freshOf = (directory: string) =>
      within(directory, async peer => {
        const { documents, descriptors } = await peer.trustDocuments()
        return freshUntilMs(restoreTrust(peer.network, [...documents, ...descriptors])) > Date.now()
      })
    expect(await freshOf(sleeper)).toBe(false)
    await importTo(sleeper, fresh)
    expect(await freshOf(sleeper)).toBe(true)
    expect(await knows(sleeper)).toMatchObject({ descriptors: 3 })
  })

  it('may be a span of versions, for those who know what comes before', async () => {
    const span = join(await temporaryDirectory(), 'span.instar')
    expect(await exportFrom(author, span, { from: 2, to: 2 })).toMatchObject({ from: 2, to: 2, descriptors: 1 })
    await expect(exportFrom(author, span, { from: 4 })).rejects.toThrow('This peer knows versions 1 to 3')
    const other = await stoppedPeer(net.network, net.documents)
    await importTo(other, span)
    expect(await knows(other)).toMatchObject({ descriptors: 2 })
  })

  it('goes on where a run was interrupted', async () => {
    const other = await stoppedPeer(net.network)
    await within(other, async peer => {
      const failing: CarriedPeer = { ...peer, putFile: () => Promise.reject(new Error('the cable was pulled')) }
      await expect(importOffline({ peer: failing, file, nowMs: Date.now() })).rejects.toThrow('cable')
      expect(await peer.bundle(theBundle)).toMatchObject({ complete: false, missing: ['int-set.js'] })
      expect(await importOffline({ peer, file, nowMs: Date.now() })).toMatchObject({
        bundles: [theBundle],
        // The versions come when their code is here.
        documents: exported.descriptors
      })
    })
  })

  it('carries files of many chunks, and empty ones, chunk by chunk', async () => {
    const files = new Map([
      ['big.bin', Uint8Array.from({ length: 2 * chunkBytes + 5 }, (_, i) => (i * i) >> 7)],
      ['empty.txt', new Uint8Array()],
      ['lib/big.bin', new Uint8Array(chunkBytes)]
    ])
    const large: Manifest = {
      format: 1,
      files: [...files].map(([path, bytes]) => ({
        path,
        bytes: bytes.byteLength,
        sha256: sha256Hex(bytes),
        chunks: Array.from({ length: Math.ceil(bytes.byteLength / chunkBytes) }, (_, i) =>
          sha256Hex(bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes))
        )
      }))
    }
    const [base] = descriptorOf('', 1, '').classes
    const of = await makeNetwork({ classes: [{ ...base!, bundle: bundleId(large), entry: 'big.bin' }] })
    const from = await stoppedPeer(of.network, of.documents)
    const store = createBundleStore({ directory: dataPaths(from).bundles })
    await store.start()
    await store.put(encodeManifest(large), files)
    const path = join(await temporaryDirectory(), 'large.instar')
    await exportFrom(from, path)
    const to = await stoppedPeer(of.network)
    expect(await importTo(to, path)).toMatchObject({ bundles: [bundleId(large)] })
    expect(await within(to, peer => peer.bundle(bundleId(large)))).toMatchObject({ complete: true })
  })

  it('is refused by a peer of another network', async () => {
    const other = await stoppedPeer('ab'.repeat(32))
    await expect(importTo(other, file)).rejects.toMatchObject({ code: 'WrongNetwork' })
  })
})

type Part = readonly [OfflineHeader, Uint8Array?]

/** The last record of a file, which counts the others. */
function endOf(file: Buffer): { readonly bytes: number; readonly records: number } {
  const at = file.lastIndexOf('{"kind":"end"')
  return {
    bytes: file.byteLength - at + 8,
    records: (JSON.parse(file.subarray(at).toString()) as { records: number }).records
  }
}

/** Whole and well hashed, whatever is in it. */
async function crafted(...records: readonly Part[]): Promise<string> {
  const body = Buffer.concat([offlineMagic, ...records.map(([header, bytes]) => encodeOfflineRecord(header, bytes))])
  const end = encodeOfflineRecord({ kind: 'end', records: records.length, sha256: sha256Hex(body) })
  const path = join(await temporaryDirectory(), 'crafted.instar')
  await writeFile(path, Buffer.concat([body, end]))
  return path
}

describe('what peers have announced, in a file', () => {
  const hourMs = 3_600_000
  const said = async (seq: number, over: object = {}, key?: PrivateKey) => {
    const by = key ?? (await generateKeyPair('Ed25519'))
    const peer = peerIdFromPrivateKey(by).toString()
    const statement = {
      ...contentAt(1),
      format: 1,
      network: net.network,
      peer,
      epoch: 1,
      seq,
      floor: 3,
      ...over
    } as const
    return { key: by, peer, envelope: await sealAnnouncement(statement, by) }
  }
  const heardBy = (directory: string) =>
    within(directory, async peer =>
      (await peer.announcements()).map(({ envelope, ageMs }) => {
        const { peer: who, seq, floor } = readStoredAnnouncement(envelope)!
        return { who, seq, floor, hours: Math.round(ageMs / hourMs) }
      })
    )

  it('comes with its age, is judged as gossip is, and takes nothing newer back', async () => {
    const old = await said(1)
    const other = await said(7)
    const exporter = await stoppedPeer(net.network, net.documents)
    await within(exporter, peer => peer.hear([old, other].map(({ envelope }) => ({ envelope, ageMs: 5 * hourMs }))))
    const path = join(await temporaryDirectory(), 'said.instar')
    const made = Date.now() - 10 * hourMs
    const result = await within(exporter, async peer =>
      exportOffline({
        network: peer.network,
        trusted: await peer.trustDocuments(),
        announcements: await peer.announcements(),
        file: path,
        now: () => made
      })
    )
    expect(result).toMatchObject({ announcements: 2 })
    const importer = await stoppedPeer(net.network, net.documents)
    const newer = await said(2, {}, old.key)
    await within(importer, peer => peer.hear([{ envelope: newer.envelope, ageMs: hourMs }]))
    expect(await importTo(importer, path)).toMatchObject({ announcements: 2, heard: 1 })
    expect(await heardBy(importer)).toEqual([
      { who: old.peer, seq: 2, floor: 3, hours: 1 },
      { who: other.peer, seq: 7, floor: 3, hours: 15 }
    ])
    expect(await importTo(importer, path)).toMatchObject({ heard: 0 })
  })

  it('is worth nothing where its signature does not fit, or its peer is not admitted', async () => {
    const closed = await makeNetwork()
    const importer = await stoppedPeer(closed.network, [...closed.documents, await closed.admission('certificate')])
    const stranger = await said(1, { network: closed.network })
    const forged = Uint8Array.from(stranger.envelope, (byte, i) => (i === 40 ? byte ^ 1 : byte))
    const verdicts = await within(importer, peer =>
      peer.hear([stranger.envelope, forged].map(envelope => ({ envelope, ageMs: 0 })))
    )
    expect(verdicts.map(each => each.verdict)).toEqual(['ignore', 'reject'])
    expect(await heardBy(importer)).toEqual([])
  })

  it('comes behind the code and before the versions, which begin with what is here', async () => {
    const { envelope } = await said(1)
    const asked: string[] = []
    const other = await stoppedPeer(net.network)
    await within(other, async peer => {
      const noting: CarriedPeer = {
        ...peer,
        submit: submission => {
          asked.push(`${submission.documents.length} documents`)
          return peer.submit(submission)
        },
        hear: announcements => {
          asked.push(`${announcements.length} announcements`)
          return peer.hear(announcements)
        },
        putFile: (...args) => {
          asked.push('a file')
          return peer.putFile(...args)
        }
      }
      const path = join(await temporaryDirectory(), 'order.instar')
      await within(author, async from =>
        exportOffline({
          network: net.network,
          trusted: await from.trustDocuments(),
          announcements: [{ envelope, ageMs: 0 }],
          file: path,
          bundles: dataPaths(author).bundles,
          now: () => Date.now()
        })
      )
      await importOffline({ peer: noting, file: path, nowMs: Date.now() })
    })
    expect(asked).toEqual([`${exported.documents} documents`, 'a file', '1 announcements', '3 documents'])
  })

  it('is in no file of the first format, which is read as ever', async () => {
    const bytes = await readFile(file)
    const body = Buffer.concat([
      Buffer.from('instar-offline 1\n'),
      bytes.subarray(offlineMagic.byteLength, -endOf(bytes).bytes)
    ])
    const end = encodeOfflineRecord({ kind: 'end', records: endOf(bytes).records, sha256: sha256Hex(body) })
    const path = join(await temporaryDirectory(), 'first.instar')
    await writeFile(path, Buffer.concat([body, end]))
    const other = await stoppedPeer(net.network)
    expect(await importTo(other, path)).toMatchObject({ announcements: 0, bundles: [theBundle] })
    expect(await knows(other)).toMatchObject({ descriptors: 3 })
  })

  it('ends somewhere: a file of more is none', async () => {
    const one: Part = [{ kind: 'announcement', ageMs: 0 }, new Uint8Array(3)]
    const index: OfflineHeader = {
      kind: 'index',
      network: net.network,
      from: 1,
      to: 1,
      made: '2030-01-01T00:00:00Z',
      bundles: []
    }
    const many = await crafted([index], ...Array.from({ length: 1001 }, () => one))
    await expect(inspectOfflineFile(many)).rejects.toThrow('more than 1000 announcements')
  })
})

describe('a file that is not as it was written', () => {
  it('is refused before anything is taken from it, wherever it was cut', async () => {
    const bytes = await readFile(file)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.byteLength - 1), async length => {
        expect(await importNothing(bytes.subarray(0, length))).toMatchObject({ code: 'OfflineFileInvalid' })
      }),
      { numRuns: propertyRuns(40) }
    )
  })

  it('is refused before anything is taken from it, whichever bit was changed', async () => {
    const bytes = await readFile(file)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.byteLength - 1), fc.nat(7), async (at, bit) => {
        const changed = Uint8Array.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        expect(await importNothing(changed)).toMatchObject({ code: 'OfflineFileInvalid' })
      }),
      { numRuns: propertyRuns(60) }
    )
  })

  it('is refused with something behind its end, or instead of it', async () => {
    const bytes = await readFile(file)
    const longer = (await importNothing(Buffer.concat([bytes, Buffer.from('x')]))) as Error
    expect(longer.message).toContain(`something follows its end at byte ${bytes.byteLength}`)
    expect(((await importNothing(Buffer.from('PK\u0003\u0004 and so on'))) as Error).message).toContain(
      'no file of instar'
    )
    const newer = Buffer.from('instar-offline 3\n')
    expect(((await importNothing(newer)) as Error).message).toContain('reads formats 1 and 2 only')
  })

  it('endless data: a length that the file does not have costs no memory', async () => {
    const lengths = Buffer.alloc(8, 0xff)
    expect(await importNothing(Buffer.concat([offlineMagic, lengths]))).toMatchObject({ code: 'OfflineFileInvalid' })
    expect(
      await importOffline({ peer: untouched, file: '/dev/zero', nowMs: 0 }).catch((e: unknown) => e)
    ).toMatchObject({
      code: 'OfflineFileInvalid'
    })
  })
})

describe('a file that somebody made to do harm', () => {
  const index: OfflineHeader = { kind: 'index', network: '', from: 1, to: 1, made: '2030-01-01T00:00:00Z', bundles: [] }
  const craft = (...parts: readonly Part[]): Promise<string> => crafted([{ ...index, network: net.network }], ...parts)
  const whole = encodeManifest(manifest)
  const code = new TextEncoder().encode('export default {}')
  const begun: Part = [{ kind: 'manifest', bundle: theBundle }, whole]
  const chunk = (path: string, bundle = theBundle): Part => [{ kind: 'chunk', bundle, path, chunk: 0 }, code]

  it('is one that the inspection takes when it is honest', async () => {
    expect(await inspectOfflineFile(await craft(begun, chunk('int-set.js')))).toMatchObject({ documents: 0 })
  })

  it.each(['../../config.json', '/etc/passwd', 'int-set.js\0', 'INT-SET.JS', './int-set.js', 'x/../int-set.js'])(
    'path traversal: a chunk for %j belongs nowhere',
    async path => {
      await expect(inspectOfflineFile(await craft(begun, chunk(path)))).rejects.toThrow('stands where none belongs')
    }
  )

  it.each([
    ['..', '../up'],
    ['absolute', '/etc/x'],
    ['a back slash', 'a\\b'],
    ['NUL', 'a\0b'],
    ['a drive', 'c:x'],
    ['a device', 'lib/NUL.js'],
    ['a dot at the end', 'lib./x']
  ])('path traversal: a manifest with %s is none', async (_, path) => {
    const bytes = toCanonicalJson({ format: 1, files: [{ path, bytes: 0, sha256: sha256Hex(''), chunks: [] }] })
    const id = sha256Hex(bytes)
    await expect(inspectOfflineFile(await craft([{ kind: 'manifest', bundle: id }, bytes]))).rejects.toThrow(id)
  })

  it.each([[['A.js', 'a.js']], [['LIB/a.js', 'lib/b.js']], [['a', 'a/b']]])(
    'names that clash on some file system: %j',
    async paths => {
      const files = paths.map(path => ({ path, bytes: 0, sha256: sha256Hex(''), chunks: [] }))
      const bytes = encodeManifest({ format: 1, files } satisfies Manifest)
      const id = sha256Hex(bytes)
      await expect(inspectOfflineFile(await craft([{ kind: 'manifest', bundle: id }, bytes]))).rejects.toThrow(
        'cannot both be stored'
      )
    }
  )

  it('chunk poisoning, chunks of other bundles, missing chunks, documents behind bundles', async () => {
    const flaws: string[] = []
    for (const parts of [
      [begun, [{ ...chunk('int-set.js')[0] }, new Uint8Array(code.byteLength)]] as const,
      [begun, chunk('int-set.js', 'ab'.repeat(32))],
      [begun],
      [begun, chunk('int-set.js'), chunk('int-set.js')],
      [[{ kind: 'manifest', bundle: 'ab'.repeat(32) }, whole]] as const,
      [begun, chunk('int-set.js'), [{ kind: 'document' }, code]] as const,
      [[{ ...index, network: net.network }]] as const
    ] as readonly (readonly Part[])[]) {
      const thrown = await inspectOfflineFile(await craft(...parts)).catch((each: unknown) => each)
      expect(thrown).toMatchObject({ code: 'OfflineFileInvalid' })
      flaws.push((thrown as Error).message.replace(/^.*cannot be used: /, '').slice(0, 30))
    }
    expect(flaws).toEqual(
      [
        'chunk 0 of int-set.js is not wh',
        'a chunk of "int-set.js" stands ',
        `bundle ${theBundle.slice(0, 23)}`,
        'a chunk of "int-set.js" stands ',
        `bundle ${'ab'.repeat(32).slice(0, 23)}`,
        'a document stands behind a bund',
        'it does not begin with one inde'
      ].map(each => each.slice(0, 30))
    )
  })

  it('arbitrary software: what nobody authorized changes nothing, and a false signature ends the import', async () => {
    const other = await makeNetwork()
    const strange = await craft(...other.documents.map(bytes => [{ kind: 'document' }, bytes] as Part))
    const peer = await stoppedPeer(net.network, net.documents)
    const before = await knows(peer)
    await expect(importTo(peer, strange)).rejects.toMatchObject({ code: 'NotTrusted' })
    const targets = net.documents.find(each => Buffer.from(each).includes('"_type":"targets"')) ?? new Uint8Array()
    const forged = Buffer.from(
      Buffer.from(targets)
        .toString()
        .replace(/"version":\d+/, '"version":9')
    )
    await expect(importTo(peer, await craft([{ kind: 'document' }, forged]))).rejects.toMatchObject({
      code: 'NotTrusted'
    })
    expect(await knows(peer)).toEqual(before)
  })

  it('a link is followed to what it names, and what it names is verified', async () => {
    const link = join(await temporaryDirectory(), 'link.instar')
    await symlink('/etc/passwd', link)
    expect(await importOffline({ peer: untouched, file: link, nowMs: 0 }).catch((e: unknown) => e)).toMatchObject({
      code: 'OfflineFileInvalid'
    })
  })
})
