import { Metadata, MetadataKind } from '@tufjs/models'
import { beforeAll, describe, expect, it } from 'vitest'
import { schemes } from '../src/index.js'
import { testNetwork, type TestNetwork } from './network-kit.js'

type ModelJson = Parameters<typeof Metadata.fromJSON>[1]

let net: TestNetwork

const parse = (document: Uint8Array) => JSON.parse(Buffer.from(document).toString()) as ModelJson

describe.each(schemes)('what we write with keys for %s is TUF', scheme => {
  beforeAll(async () => {
    net = await testNetwork({ root: 2, targets: 3 }, scheme)
  })

  it("verifies by the models of npm's own client", () => {
    const { root, targets, snapshot, timestamp } = net.created.documents
    const trusted = Metadata.fromJSON(MetadataKind.Root, parse(root))
    expect(() => {
      trusted.verifyDelegate('root', trusted)
      trusted.verifyDelegate('targets', Metadata.fromJSON(MetadataKind.Targets, parse(targets)))
      trusted.verifyDelegate('snapshot', Metadata.fromJSON(MetadataKind.Snapshot, parse(snapshot)))
      trusted.verifyDelegate('timestamp', Metadata.fromJSON(MetadataKind.Timestamp, parse(timestamp)))
    }).not.toThrow()
    expect(() => {
      trusted.verifyDelegate('snapshot', Metadata.fromJSON(MetadataKind.Timestamp, parse(timestamp)))
    }).toThrow()
  })

  it('names descriptors as targets with hash and length', () => {
    const { signed } = Metadata.fromJSON(MetadataKind.Targets, parse(net.created.documents.targets))
    expect(signed.targets['upgrades/1']?.length).toBe(net.created.descriptor.byteLength)
  })
})
