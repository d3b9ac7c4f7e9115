import { encodeTicket, InstarError, upgradeAt, type OperatorWord } from '@instar/core'
import type { Logger } from 'pino'
import { admissionProblems, admissionStatus, certificateStatus } from '../admission/admission-status.js'
import type { AdmissionService } from '../admission/admission-service.js'
import { toAdmission } from '../admission/peer-judge.js'
import type { BundleStore } from '../bundles/bundle-store.js'
import type { GarbageCollection } from '../cleaning/collect-garbage.js'
import { createBundleUpload } from '../control/bundle-upload.js'
import type { PeerControl } from '../control/peer-control.js'
import type { PeerEvent } from '../control/schema/events.js'
import type { PeerStatus } from '../control/schema/status.js'
import type { AuditLog } from '../audit/audit-log.js'
import type { Engine } from '../engine/engine.js'
import type { FaultRecord } from '../host/fault-record.js'
import type { HostManager, HostStats } from '../host/host-manager.js'
import type { StageDetail } from '../host/switch-result.js'
import type { StateRehearsalProgress } from '../host/rehearse-state.js'
import type { PeerMetrics } from '../metrics/peer-metrics.js'
import type { Announcements } from '../overlay/announcements.js'
import type { Overlay } from '../overlay/overlay.js'
import type { CallerRecord } from '../rpc/caller-record.js'
import type { Rpc } from '../rpc/rpc.js'
import type { Sync } from '../sync/sync.js'
import type { TrustService } from '../trust/trust-service.js'
import { toOverrides } from '../policy/policy-schema.js'
import { assertMayGoNow, shownPolicy } from '../policy/shown-policy.js'
import { monoMs, wallMs } from './clock.js'
import { tailOf } from './log.js'
import { catchUp } from './catch-up.js'
import { callForOperator, describeForOperator } from './operator-call.js'
import type { PeerConfiguration } from './options.js'
import type { Performer } from './perform.js'
import { rehearseForOperator, type StateRehearsals } from './state-rehearsals.js'
import type { StateSize } from './state-size.js'
import { neighbourStatus, statusOf } from './status.js'
import { announcementsToCarry, hearAll } from './carried-announcements.js'
import { submitAll, trustDocumentsOf } from './trust-documents.js'
import { trustStatus, type RenewalSource } from './trust-status.js'
import { whyOf } from './why.js'

export interface PeerControlInit {
  readonly engine: Engine
  readonly trust: TrustService
  readonly admission: AdmissionService
  /** Absent without online keys. */
  readonly renewal: RenewalSource | undefined
  readonly audit: Pick<AuditLog, 'head' | 'problem'>
  readonly overlay: Overlay
  readonly announcements: Pick<Announcements, 'own' | 'passedOn' | 'submit'>
  readonly sync: Sync
  readonly host: HostManager
  readonly rpc: Rpc
  readonly bundles: BundleStore
  readonly performer: Performer
  readonly stateRehearsals: StateRehearsals
  readonly garbage: GarbageCollection
  readonly faults: FaultRecord
  readonly callers: CallerRecord
  readonly metrics: PeerMetrics
  readonly config: PeerConfiguration
  readonly log: Logger
  readonly logPath: string
  readonly stateSize: StateSize
  readonly stop: () => void
}

/** What the control API asks, answered by the parts of the peer; and the events that they cause. */
export interface ControlledPeer extends PeerControl {
  /** Something that the status shows may have changed. */
  changed(): void
  stage(version: number | undefined, detail: StageDetail): void
  rehearsing(version: number, progress: StateRehearsalProgress): void
  pause(version: number | undefined, pauseMs: number): void
  /** Something has come up that the status shows, and that somebody may want to hear at once. */
  problem(sentence: string): void
  stopping(): void
  close(): Promise<void>
}

const hostStatsEveryMs = 1000
const lookDelayMs = 50

export function createPeerControl(init: PeerControlInit): ControlledPeer {
  const { engine, trust, overlay, host, rpc, config } = init
  const listeners = new Set<(event?: PeerEvent) => void>()
  const upload = createBundleUpload(init.bundles)
  const pausesMs = new Map<number, number>()
  const phases = new Map<number, string>()
  const heard = new Map<string, string>()
  let transform: StageDetail['transform']
  let hostStats: HostStats | undefined
  let looking: NodeJS.Timeout | undefined
  let shown = ''

  const tell = (event: PeerEvent): void => {
    for (const listener of listeners) listener(event)
  }
  const now = (): string => new Date(wallMs()).toISOString()

  // The host answers when it can; the status is drawn from its last answer.
  const polling = setInterval(() => {
    host.stats().then(
      stats => {
        hostStats = stats
        lookSoon()
      },
      (thrown: unknown) => init.log.debug({ err: thrown }, 'the host did not say how it is')
    )
  }, hostStatsEveryMs).unref()

  const status = (): PeerStatus => {
    const { host: hostState } = engine.state
    const problem = engine.problem()
    const admission = admissionStatus(init.admission, trust.state(), wallMs())
    const stateBytes = init.stateSize.bytes()
    return statusOf(engine.state, {
      network: config.network,
      addresses: overlay.addresses(),
      connected: overlay.connected(),
      trust: trustStatus(trust, init.renewal),
      admission,
      audit: init.audit.head(),
      host: {
        // Its last answer may be of a process that is gone by now.
        ...(hostStats?.pid === undefined || hostState.status === 'down' || hostStats.plan !== hostState.plan?.plan
          ? {}
          : {
              pid: hostStats.pid,
              ...(hostStats.outbox === undefined ? {} : { outbox: hostStats.outbox })
            }),
        uptimeMs: hostStats?.uptimeMs ?? 0,
        heldCalls: hostStats?.held.calls ?? 0,
        ...(stateBytes === undefined ? {} : { stateBytes }),
        ...(hostState.lastError === undefined ? {} : { lastError: hostState.lastError })
      },
      callsPerVersion: rpc.received.perVersion(),
      problems: [
        init.audit.problem,
        host.broken()?.message,
        problem,
        init.renewal?.status().problem,
        ...admissionProblems(admission, engine.state, wallMs())
      ].filter(each => each !== undefined),
      sentOff: overlay.sentOff(),
      fetches: init.performer.fetches,
      callers: init.callers,
      pausesMs,
      building: hostStats?.building ?? [],
      transform,
      rehearsal: init.stateRehearsals.underWay
    })
  }

  const tellPhases = (): void => {
    for (const { version, phase, reason } of engine.state.versions.values()) {
      const shown = `${phase} ${reason ?? ''}`
      if (phases.get(version) === shown) continue
      phases.set(version, shown)
      tell({ type: 'phase', at: now(), version, phase, ...(reason === undefined ? {} : { reason }) })
    }
  }
  const tellPeers = (): void => {
    for (const entry of engine.state.roster.values()) {
      const { peer, epoch, seq } = entry.announcement
      const mark = `${epoch} ${seq} ${JSON.stringify(entry.admission)}`
      if (heard.get(peer) === mark) continue
      heard.set(peer, mark)
      tell({ type: 'peer', at: now(), peer: neighbourStatus(engine.state, entry, overlay.connected()) })
    }
  }

  /** What no event tells (what is served, problems, the host) is compared with what was shown last, at most once in a while. */
  const lookSoon = (): void => {
    if (listeners.size === 0) return
    looking ??= setTimeout(() => {
      looking = undefined
      const seen = shapeOf(status())
      if (seen === shown) return
      shown = seen
      for (const listener of listeners) listener()
    }, lookDelayMs).unref()
  }

  return {
    status,
    why: peer =>
      whyOf(
        engine.state,
        { wallMs: wallMs(), monoMs: monoMs() },
        init.faults.list(),
        init.admission.ownAdmission(),
        peer
      ),
    async approve(version, { now = false } = {}) {
      if (now) assertMayGoNow(engine.state, version)
      await operate(engine, now ? 'goNow' : 'approve', version)
    },
    async hold(target) {
      await operate(engine, 'hold', target === 'all' ? undefined : target)
    },
    async resume(target) {
      await operate(engine, 'resume', target === 'all' ? undefined : target)
    },
    policy: () => shownPolicy(engine.state, config.policy),
    async changePolicy({ set = {}, unset = [] }) {
      engine.input({ fact: 'policy', set: toOverrides(set), unset })
      await engine.kept()
      return shownPolicy(engine.state, config.policy)
    },
    async unpark() {
      if (engine.state.host.parked === undefined)
        throw new InstarError('BadInput', 'The host of this peer is not parked: there is nothing to take back.')
      engine.input({ fact: 'unpark' })
      await engine.kept()
    },
    async goBack(version) {
      assertCanGoBack(engine, version)
      await operate(engine, 'goBack', version)
    },
    rehearse: (version, signal) => rehearseForOperator(init, version, signal),
    collectGarbage: (options, signal) => init.garbage.collect(options, signal),
    submit: submission => submitAll(trust, submission),
    async announcements() {
      const { announcements } = init
      return announcementsToCarry({ own: announcements.own(), passedOn: announcements.passedOn() }, wallMs())
    },
    hear: announcements =>
      hearAll((envelope, ageMs) => init.announcements.submit(envelope, 'operator', ageMs), announcements),
    async submitCertificate(bytes) {
      const { certificate, outcome } = await init.admission.submit(bytes)
      return { peer: certificate.peer, certificate: certificateStatus(toAdmission(certificate)), outcome }
    },
    catchUp: signal => catchUp(init, signal),
    trustDocuments: async () => trustDocumentsOf(trust.state()),
    ...upload,
    ticket: () => encodeTicket({ network: config.network, addresses: overlay.addresses().slice(0, 16) }),
    call: (request, signal) => callForOperator(init, request, signal),
    contract: (request, signal) => describeForOperator(init, request, signal),
    metrics: () => init.metrics.text(),
    log: linesMax => tailOf(init.logPath, linesMax),
    stop: init.stop,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    changed() {
      if (listeners.size === 0) return
      tellPhases()
      tellPeers()
      lookSoon()
    },
    stage(version, detail) {
      transform = detail.transform
      if (transform === undefined || version === undefined) return
      const { done, total } = transform
      tell({
        type: 'stage',
        at: now(),
        version,
        stage: 'transforming',
        ...(done === undefined ? {} : { done }),
        ...(total === undefined ? {} : { total })
      })
    },
    rehearsing(version, { stage, done, total }) {
      tell({
        type: 'stage',
        at: now(),
        version,
        stage,
        ...(done === undefined ? {} : { done }),
        ...(total === undefined ? {} : { total })
      })
    },
    pause(version, pauseMs) {
      if (version !== undefined) pausesMs.set(version, pauseMs)
    },
    problem(sentence) {
      tell({ type: 'problem', at: now(), problem: sentence })
      lookSoon()
    },
    stopping() {
      tell({ type: 'stopping', at: now() })
    },
    async close() {
      clearInterval(polling)
      clearTimeout(looking)
    }
  }
}

/** The status without what changes all the time. */
function shapeOf({ host, peers, callsPerVersion: _, audit: _audit, ...rest }: PeerStatus): string {
  const { uptimeMs: _uptime, heldCalls: _held, stateBytes: _bytes, ...steady } = host
  return JSON.stringify([rest, steady, peers.map(({ lastHeardMs: _heard, ...peer }) => peer)])
}

/** Hands an operator's word to the core. Versions are settled in order, so an unknown one is a slip of the operator's. */
function assertCanGoBack({ state }: Engine, version: number): void {
  const { lineage, log, running, versions } = state
  const phase = versions.get(version)?.phase
  if (lineage === undefined || version !== running || phase !== 'trial')
    throw new InstarError(
      'BadInput',
      `Version ${version} is not on trial here (${phase ?? 'it has no phase'}): only a trial goes back.`
    )
  if (upgradeAt(log, lineage, version)?.back === 'none')
    throw new InstarError(
      'BadInput',
      `The upgrade to version ${version} has no way back: publish a version that supersedes it.`
    )
}

async function operate(engine: Engine, word: OperatorWord, version: number | undefined): Promise<void> {
  if (version !== undefined && version > engine.state.log.length) {
    throw new InstarError(
      'UnknownVersion',
      `Version ${version} is not known here; the newest is ${engine.state.log.length}.`
    )
  }
  engine.input({ fact: 'operator', word, ...(version === undefined ? {} : { version }) })
  await engine.kept()
}

/** As if a neighbour had sent them; a descriptor goes in after the targets that name it. */
