import { InstarError } from '@instar/core'
import {
  admissionOf,
  decisionsOf,
  documentsOf,
  emptyTrust,
  encodeExportedKey,
  explainTrust,
  forksOf,
  freshUntilMs,
  haltsOf,
  headsOf,
  judgeCertificate,
  missingDescriptors,
  parseCertificate,
  parseExportedKey,
  parseHeads,
  parseInvitation,
  parseProposal,
  restoreTrust,
  trust,
  trustedUpgrades,
  type TrustState
} from '@instar/signer'
import { composeHeadMessage } from '../../../packages/node/dist/overlay/head-message.js'
import { encodeKeyFile, parseKeyFile, type PrivatePart } from '../../../packages/signer/dist/keys/key-file.js'
import { parseLedger } from '../../../packages/signer/dist/keys/ledger.js'
import { toKeyJson, readKeyJson } from '../../../packages/signer/dist/keys/public-key.js'
import { canonicalHash, flawOfValues } from '../../../packages/signer/dist/metadata/canonical.js'
import { parseShape } from '../../../packages/signer/dist/metadata/document.js'
import {
  delegatorOf,
  judgeFirstRoot,
  judgeNextRoot,
  judgeSnapshot,
  judgeTargets,
  judgeTimestamp
} from '../../../packages/signer/dist/repository/trusted-set.js'
import { seed, type Decoder } from '../decoder.js'
import { bytesOf, ecdsaKeyPairOf, keyPairOf } from '../keys.js'
import { nowMs, type FuzzedNetwork } from '../network.js'

export function signerDecoders(net: FuzzedNetwork): readonly Decoder[] {
  const { state, newest, nextBodies, network } = net
  const documents = [...net.documents, ...net.descriptors]
  const isBadInput = (thrown: unknown) => thrown instanceof InstarError && thrown.code === 'BadInput'
  /** By a peer that knows nothing but the network's id, by one that is behind, and by one that holds everything. */
  const judged = (bytes: Uint8Array) =>
    [emptyTrust(network), state, newest].map(each => trust(each, bytes, nowMs).verdict)
  const isRead = (verdicts: unknown) =>
    (verdicts as ReturnType<typeof judged>).some(each => each.verdict === 'accept' || each.code === 'Known')
  return [
    { name: 'trust document', covers: trustReaders, seeds: documents, decode: judged, isRead },
    {
      name: 'trust document by its holders',
      covers: trustReaders,
      seeds: nextBodies,
      seal: body => net.sign(body),
      decode: judged,
      isRead
    },
    {
      // What an authorized signer may have signed must not make the rest of the peer stumble, nor what comes after it.
      name: 'trusted state after a document by its holders',
      covers: [],
      seeds: nextBodies,
      seal: body => net.sign(body),
      decode: bytes => lookAt(trust(state, bytes, nowMs).state, network, documents),
      isSlow: true
    },
    {
      name: 'heads',
      covers: ['signer:parseHeads'],
      seeds: [seed(headsOf(state)), seed(headsOf(emptyTrust(network)))],
      decode: bytes => parseHeads(jsonOf(bytes))
    },
    {
      name: 'trust documents on disk',
      covers: [],
      seeds: documents,
      decode: bytes => restoreTrust(network, [bytes]).roots.length
    },
    {
      name: 'proposal',
      covers: ['signer:parseProposal'],
      seeds: net.proposals,
      decode: parseProposal,
      mayThrow: isBadInput
    },
    ...admissionDecoders(net),
    ...repositoryDecoders(net),
    ...keyDecoders(isBadInput)
  ]
}

/** Everything that a peer reads out of its trusted state. */
function lookAt(state: TrustState, network: string, documents: readonly Uint8Array[]): unknown {
  const later = documents.reduce((each, document) => trust(each, document, nowMs).state, state)
  for (const each of [state, later]) {
    explainTrust(each, nowMs)
    admissionOf(each)
    decisionsOf(each)
    composeHeadMessage(each)
    forksOf(each)
    freshUntilMs(each)
    haltsOf(each)
    missingDescriptors(each)
    trustedUpgrades(each)
    // A peer that starts again must trust what it trusted.
    const stored = documentsOf(each).map(({ bytes }) => bytes)
    const [held, again] = [headsOf(each), headsOf(restoreTrust(network, stored))].map(heads => JSON.stringify(heads))
    if (held !== again) throw new Error(`read back, it is ${String(again)} instead of ${String(held)}`)
  }
  return headsOf(later)
}

const trustReaders = [
  'parseShape',
  'parseEnvelope',
  'parseSignatures',
  'readModel',
  'readRoot',
  'readRootKeys',
  'readTargets',
  'readSnapshot',
  'readTimestamp',
  'readMetaEntry',
  'readAdmission',
  'readDelegatedValues',
  'parseValue',
  'readHalt',
  'readKeyTable',
  'readTargetTable',
  'readTargetEntry',
  'readPathVersion',
  'readKeyJson',
  'judgeRoot',
  'judgeRegister',
  'judgeDescriptor'
].map(name => `signer:${name}`)

/** What peers show of themselves, and what somebody hands in or carries in a ticket. */
function admissionDecoders({
  state,
  newest,
  network,
  certificates,
  invitation,
  admit
}: FuzzedNetwork): readonly Decoder[] {
  const judged = (bytes: Uint8Array) =>
    [emptyTrust(network), state, newest].map(each => judgeCertificate(each, bytes, nowMs).verdict)
  const isRead = (verdicts: unknown) => (verdicts as readonly string[]).includes('accept')
  const bodies = certificates.slice(0, 1).map(bytes => {
    const { signed } = JSON.parse(Buffer.from(bytes).toString()) as { signed: object }
    return seed(signed)
  })
  return [
    {
      name: 'certificate',
      covers: ['judgeCertificate', 'readCertificate', 'readEnvelope', 'readInvitation', 'parseBoundedCertificate'].map(
        name => `signer:${name}`
      ),
      seeds: certificates,
      decode: judged,
      isRead
    },
    {
      name: 'certificate by its holders',
      covers: [],
      seeds: bodies,
      seal: body => admit(body),
      decode: judged,
      isRead
    },
    {
      name: 'certificate that is handed in',
      covers: ['signer:parseCertificate'],
      seeds: certificates,
      decode: bytes => parseCertificate(bytes, network),
      mayThrow: thrown => thrown instanceof InstarError && ['BadInput', 'WrongNetwork'].includes(thrown.code)
    },
    {
      name: 'invitation of a ticket',
      covers: ['signer:parseInvitation'],
      seeds: [invitation],
      decode: bytes => parseInvitation(bytes, network)
    }
  ]
}

/** A repository with one writer, as the client of mirrors reads it. */
function repositoryDecoders(net: FuzzedNetwork): readonly Decoder[] {
  const [rootBytes = new Uint8Array()] = net.documents
  const root = judgeFirstRoot(rootBytes)
  if (root.verdict !== 'accept') throw new Error(`the first root is refused: ${root.code}`)
  const delegator = delegatorOf(root.value, 'targets')
  // A snapshot that names every number, without hashes: what comes through it is judged by its signatures and its model.
  const named = (version: number) => [`${version}.json`, { version, byteLength: undefined, hashes: undefined }] as const
  const meta = new Map<string, { version: number; byteLength: undefined; hashes: undefined }>([1, 2].map(named))
  const snapshot = { version: 1, expiresMs: 0, bytes: rootBytes, model: { meta } }
  const decode = (bytes: Uint8Array): unknown => [
    judgeFirstRoot(bytes).verdict,
    judgeNextRoot(root.value, bytes).verdict,
    judgeTimestamp(root.value, bytes).verdict,
    judgeSnapshot(root.value, bytes).verdict,
    ['1', '2'].map(name => judgeTargets(snapshot, name, delegator, bytes).verdict)
  ]
  const covers = repositoryReaders
  return [
    { name: 'repository document', covers, seeds: net.documents.filter(isTopLevel), decode },
    {
      name: 'repository document by its holders',
      covers,
      seeds: net.nextBodies.filter(isTopLevel),
      seal: body => net.sign(body),
      decode
    }
  ]
}

/** Halts and admission are delegated: a repository lists them as targets, and their documents not by themselves. */
function isTopLevel(document: Uint8Array): boolean {
  return !Buffer.from(document).includes('"instar":{"role"')
}

const repositoryReaders = [
  'readRepositoryDocument',
  'readRootModel',
  'readTimestampModel',
  'readSnapshotModel',
  'readTargetsModel',
  'readMetaFile',
  'readFileFacts',
  'readRepositoryKey',
  'readKeys',
  'readRoleKeys',
  'judgeFirstRoot',
  'judgeNextRoot',
  'judgeTimestamp',
  'judgeSnapshot',
  'judgeTargets'
].map(name => `signer:${name}`)

function keyDecoders(isBadInput: (thrown: unknown) => boolean): readonly Decoder[] {
  const pairs = [keyPairOf('own'), ecdsaKeyPairOf('own')]
  const [{ key }] = pairs as [(typeof pairs)[0]]
  const parts: readonly PrivatePart[] = [
    { protection: 'none', pkcs8: pairs[0]?.exportPrivate() ?? '' },
    { protection: 'command', command: ['./sign', '--slot', '2'], timeoutMs: 60_000 },
    { protection: 'elsewhere' },
    {
      protection: 'passphrase',
      kdf: { name: 'scrypt', logN: 17, r: 8, p: 1, salt: bytesOf('salt').toString('hex') },
      cipher: {
        name: 'aes-256-gcm',
        nonce: bytesOf('nonce').toString('hex', 0, 12),
        tag: bytesOf('tag').toString('hex', 0, 16)
      },
      data: bytesOf('private').toString('hex')
    }
  ]
  const line = { format: 1, network: 'n', keyId: key.keyId, kind: 'upgrade', number: 2, hash: 'a', atMs: 0 }
  return [
    {
      name: 'public key in metadata',
      covers: ['signer:readKeyJson'],
      seeds: pairs.map(each => seed(toKeyJson(each.key))),
      // Each mutant under the id that it has: otherwise none comes further than the id.
      decode: bytes => {
        // As it stands in a document, whose depth and values were looked at before.
        const json = parseShape(bytes)
        if (json.verdict !== 'accept' || flawOfValues(json.value) !== undefined) return json
        return readKeyJson(canonicalHash(json.value), json.value)
      },
      mayThrow: thrown => thrown instanceof TypeError && /key/.test(thrown.message)
    },
    {
      name: 'exported key',
      covers: ['signer:parseExportedKey'],
      seeds: pairs.map(each => seed(encodeExportedKey({ role: 'targets', key: each.key }))),
      decode: bytes => parseExportedKey(Buffer.from(bytes).toString()),
      mayThrow: isBadInput
    },
    {
      name: 'key file',
      covers: ['signer:parseKeyFile'],
      seeds: parts.map(part => seed(encodeKeyFile('targets', key, part))),
      decode: bytes => parseKeyFile(Buffer.from(bytes).toString(), 'a file', async () => Buffer.alloc(0)),
      mayThrow: isBadInput
    },
    {
      name: 'ledger',
      covers: ['signer:parseLedger', 'signer:parseLines'],
      seeds: [seed(`${JSON.stringify(line)}\n${JSON.stringify({ ...line, number: 3 })}\n{"torn`)],
      decode: bytes => parseLedger(Buffer.from(bytes).toString(), 'a file'),
      mayThrow: isBadInput
    }
  ]
}

/** Undefined where the bytes are no JSON: what is read by others before it comes here. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}
