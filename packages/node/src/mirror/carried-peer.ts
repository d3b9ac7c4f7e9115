import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { pino } from 'pino'
import { createPeerJudge } from '../admission/peer-judge.js'
import { createBundleStore } from '../bundles/bundle-store.js'
import { createBundleUpload } from '../control/bundle-upload.js'
import type {
  BundleState,
  CarriedAnnouncement,
  DocumentVerdict,
  Submission,
  TrustDocuments
} from '../control/peer-control.js'
import { hearAll } from '../peer/carried-announcements.js'
import { wallMs } from '../peer/clock.js'
import { settleConfig } from '../peer/options.js'
import { submitAll, trustDocumentsOf } from '../peer/trust-documents.js'
import { readGenesisSeed } from '../seed/genesis-seed.js'
import { openDataDirectory } from '../store/data-directory.js'
import { createTrustService } from '../trust/trust-service.js'
import { createStoredAnnouncements } from './stored-announcements.js'

/**
 * A peer to which something is carried, or from which: a running one through its control API, or a stopped one ({@link openStoppedPeer}).
 * What it takes it verifies by itself, exactly as from a neighbour (R19).
 */
export interface CarriedPeer {
  readonly network: string
  trustDocuments(): Promise<TrustDocuments>
  submit(submission: Submission): Promise<readonly DocumentVerdict[]>
  announcements(): Promise<readonly CarriedAnnouncement[]>
  hear(announcements: readonly CarriedAnnouncement[]): Promise<readonly DocumentVerdict[]>
  bundle(id: string): Promise<BundleState>
  putManifest(id: string, manifest: Uint8Array): Promise<BundleState>
  putFile(id: string, path: string, bytes: AsyncIterable<Uint8Array>): Promise<BundleState>
}

/**
 * Opens the trust and the bundles of a peer that does not run, and nothing else of it.
 *
 * @throws InstarError DataDirectoryInUse when it does run, BadInput when nothing says of which network it is
 */
export async function openStoppedPeer(
  dataDirectory: string
): Promise<CarriedPeer & { readonly close: () => Promise<void> }> {
  const seed = await readGenesisSeed(dataDirectory)
  const { network } = await settleConfig({ dataDirectory }, seed?.network)
  const directory = await openDataDirectory(dataDirectory)
  try {
    const trust = createTrustService({
      network,
      store: directory.store,
      audit: directory.audit,
      log: pino({ enabled: false }),
      ...(seed === undefined ? {} : { documents: [...seed.documents, seed.descriptor] }),
      // Nobody acts here: the peer tells itself everything again when it starts.
      onFact: () => undefined
    })
    await trust.start()
    const bundles = createBundleStore({ directory: directory.paths.bundles })
    await bundles.start()
    const { bundle, putManifest, putFile } = createBundleUpload(bundles)
    const judge = createPeerJudge(() => trust.state())
    const said = createStoredAnnouncements({
      self: peerIdFromPrivateKey(directory.identity).toString(),
      network,
      store: directory.store,
      judge: (peer, certificate) => judge.judge(peer, certificate),
      now: wallMs
    })
    const never = new AbortController().signal
    return {
      network,
      trustDocuments: async () => trustDocumentsOf(trust.state()),
      submit: submission => submitAll(trust, submission),
      announcements: () => said.carried(),
      hear: announcements => hearAll((envelope, ageMs) => said.submit(envelope, ageMs), announcements),
      bundle,
      putManifest,
      putFile: (id, path, bytes) => putFile(id, path, bytes, never),
      close: () => directory.close()
    }
  } catch (thrown) {
    await directory.close()
    throw thrown
  }
}
