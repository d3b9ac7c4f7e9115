const opens = 'opens a file or folder of this peer; what is in it is read by a decoder that is driven'
const ownLog = "LevelDB's own log and manifest, in this peer's state: level-log.test.ts cuts and flips them"
const noBytes = 'weighs what is known already; reads no bytes'
const verified = 'compares what was verified and read before'

/** Functions that are named like readers of bytes and are not driven by the fuzzer, each with the reason. */
export const driven: Readonly<Record<string, string>> = {
  'signer:readKeyFile': 'parseKeyFile, after a look at the mode of the file',
  'signer:openLedger': opens,
  'signer:openAdmissionLedger': opens,
  'signer:readLineFile': opens,
  'signer:readPassphraseFile': 'the first line of a file that its owner wrote',
  'signer:openSealedKey': 'decrypts; whatever the bytes are, the cipher authenticates them',
  'signer:parseExpires': 'part of parseEnvelope, lent to the repository client',
  'signer:judgeSuccessor': verified,
  'signer:judgeNamedSnapshot': verified,
  'signer:judgeExpiry': verified,
  'rpc:readByPackets': 'puts the decoder of packets, which is driven, into a connection',
  'node:readAuditFile': 'readLine over a file',
  'node:openAuditLog': opens,
  'node:openLog': 'writes only',
  'node:readChunkAt': 'compares bytes with their digest',
  'node:openPartialBundle': 'parseManifest, then bytes that are compared with their digest',
  'node:readStateVersion': opens,
  'node:readGenesisSeed': 'what `instar network create` left here; its tests damage it',
  'node:openDataDirectory': opens,
  'node:openJournal': opens,
  'node:openStore': opens,
  'node:openOnlineSigner': opens,
  'node:openStoppedPeer': opens,
  'node:openMirror': 'chooses by the form of an address who fetches; what is fetched is a repository document',
  'node:readOfflineFile': 'parseOfflineHeader over a file; its own tests cut and flip that file everywhere',
  'simulator-runtime:openDirectory': opens,
  'simulator-runtime:openDatabase': opens,
  'simulator-runtime:readMeta': "the host's own record, in its own database",
  'simulator-runtime:readStateMeta': opens,
  'core:judgeTrial': noBytes,
  'core:judgeAnew': noBytes,
  'simulator-runtime:parseBatch': ownLog,
  'simulator-runtime:readLogRecords': ownLog,
  'simulator-runtime:readManifest': 'CURRENT, then parseManifest',
  'simulator-runtime:openWhole': opens,
  'simulator-runtime:readUnwritten': ownLog,
  'client:decodeResult': 'decodeValue, and a sentence for what it refuses'
}
