// Peers for tests of overlay, trust and sync: everything below the engine, real, over TCP on loopback.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAdmission, type Admission, type Announcement, type AnnouncementContent } from '@instar/core'
import { pino } from 'pino'
import { createAdmissionService, type AdmissionService } from '../src/admission/admission-service.js'
import { createAnnouncements, type Announcements } from '../src/overlay/announcements.js'
import type { AnnouncementRates } from '../src/overlay/announcement-pace.js'
import { createHeadTopic, type HeadTopic } from '../src/overlay/head-topic.js'
import type { connectionLimits, syncLimits } from '../src/overlay/limits.js'
import { createOverlay, type Overlay } from '../src/overlay/overlay.js'
import { createRefusals, type Refusals } from '../src/overlay/refusals.js'
import { openDataDirectory, type DataDirectory } from '../src/store/data-directory.js'
import { syncProtocol } from '../src/sync/messages.js'
import { createSync, type Sync } from '../src/sync/sync.js'
import type { TrustFact } from '../src/trust/trust-news.js'
import { createTrustService, type TrustService } from '../src/trust/trust-service.js'

export interface TestPeer {
  readonly directory: DataDirectory
  readonly overlay: Overlay
  readonly announcements: Announcements
  readonly trust: TrustService
  readonly sync: Sync
  readonly heads: HeadTopic
  readonly facts: TrustFact[]
  readonly statements: Map<string, Announcement>
  /** On what ground each of them counts, as it was judged last. */
  readonly admissions: Map<string, Admission>
  readonly admission: AdmissionService
  readonly refusals: Refusals
  readonly id: string
  readonly address: string
  /** Versions whose descriptors were reported, in the order of the reports. */
  versions(): number[]
  stop(): Promise<void>
}

export interface TestPeerInit {
  readonly network: string
  readonly documents?: readonly Uint8Array[]
  readonly bootstrap?: readonly string[]
  readonly root?: string
  readonly rates?: Partial<AnnouncementRates>
  readonly syncEveryMs?: number
  readonly messageTimeoutMs?: number
  readonly listen?: string
  /** Asked before each pull that a head message wants. */
  readonly canPull?: () => boolean
  readonly now?: () => number
  readonly sameHost?: boolean
  readonly connections?: Partial<typeof connectionLimits>
  readonly syncLimits?: Partial<typeof syncLimits>
  /** Peers are judged by what the trust documents say; otherwise all count. */
  readonly judges?: boolean
}

const stops: (() => Promise<unknown>)[] = []

/** Stops all peers and removes what they stored: for afterEach. */
export async function stopPeers(): Promise<void> {
  await Promise.all(stops.splice(0).map(stop => stop()))
}

export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'instar-peers-'))
  stops.push(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

export async function startPeer(init: TestPeerInit): Promise<TestPeer> {
  const { network } = init
  const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' })
  const root = init.root ?? (await temporaryDirectory())
  const directory = await openDataDirectory(root)
  const { identity, bootEpoch, store, audit } = directory
  const facts: TrustFact[] = []
  const statements = new Map<string, Announcement>()
  const refusals = createRefusals({ log })
  const overlay = await createOverlay({
    ...(init.sameHost === undefined ? {} : { sameHost: init.sameHost }),
    ...(init.connections === undefined ? {} : { connections: init.connections }),
    refusals,
    identity,
    network,
    listen: [init.listen ?? '/ip4/127.0.0.1/tcp/0'],
    bootstrap: init.bootstrap ?? [],
    peerProtocol: syncProtocol,
    connectionMonitor: false,
    store,
    log
  })
  const trust = createTrustService({
    network,
    ...(init.documents === undefined ? {} : { documents: init.documents }),
    store,
    audit,
    ...(init.now === undefined ? {} : { now: init.now }),
    log,
    onFact: fact => facts.push(fact)
  })
  const admissions = new Map<string, Admission>()
  const admission = createAdmissionService({
    peer: overlay.peerId,
    network,
    trust,
    store,
    now: init.now ?? Date.now,
    log,
    onChange: () => announcements.rejudge(),
    onOwnChange: () => announcements.certificateChanged(),
    reach: async peer => {
      await sync.pullFrom(peer)
    }
  })
  const announcements = createAnnouncements({
    overlay,
    identity,
    network,
    bootEpoch,
    store,
    ...(init.rates === undefined ? {} : { rates: init.rates }),
    log,
    judge: (peer, certificate) => (init.judges === true ? admission.judge(peer, certificate) : openAdmission),
    ownCertificate: () => admission.own()?.text,
    onAnnouncement: (statement, _, judged) => {
      statements.set(statement.peer, statement)
      admissions.set(statement.peer, judged)
      admission.heard(statement)
    },
    onAdmissions: changed => changed.forEach((judged, peer) => admissions.set(peer, judged))
  })
  const sync = createSync({
    overlay,
    network,
    trust,
    announcements,
    certificates: admission,
    ...(init.syncEveryMs === undefined ? {} : { everyMs: init.syncEveryMs }),
    ...(init.messageTimeoutMs === undefined ? {} : { messageTimeoutMs: init.messageTimeoutMs }),
    ...(init.syncLimits === undefined ? {} : { limits: init.syncLimits }),
    refusals,
    ...(init.now === undefined ? {} : { now: init.now }),
    log
  })
  const heads = createHeadTopic({
    overlay,
    network,
    trust,
    async pullFrom(peer) {
      if (init.canPull?.() === false) throw new Error('not now')
      await sync.pullOnClaim(peer)
    },
    log
  })
  let stopped: Promise<void> | undefined
  const stopOnce = async () => {
    heads.stop()
    await announcements.stop()
    await admission.stop()
    await sync.stop()
    await overlay.stop()
    await directory.close()
  }
  const stop = () => (stopped ??= stopOnce())
  // Before the directories are removed.
  stops.unshift(stop)
  try {
    await trust.start()
    await admission.start()
    await announcements.start()
    await sync.start()
    await overlay.start()
  } catch (thrown) {
    await stop()
    throw thrown
  }
  return {
    directory,
    overlay,
    announcements,
    trust,
    sync,
    heads,
    facts,
    statements,
    admissions,
    admission,
    refusals,
    id: overlay.peerId,
    address: overlay.addresses()[0] ?? '',
    versions: () => facts.flatMap(fact => (fact.type === 'versionTrusted' ? [fact.version] : [])),
    stop
  }
}

export function contentAt(version: number, more: Partial<AnnouncementContent> = {}): AnnouncementContent {
  return {
    class: 'IntSet',
    groups: [],
    running: { version, chainId: '0'.repeat(16) },
    floor: version,
    served: [version, version],
    versions: [],
    newest: version,
    instar: '0.0.0',
    ...more
  }
}

/** Polls until the condition holds: for conditions that no single event announces. */
export async function until(condition: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not in ${timeoutMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
