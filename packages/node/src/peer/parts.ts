import type { CodeRef, Fact } from '@instar/core'
import type { Logger } from 'pino'
import { createAdmissionService } from '../admission/admission-service.js'
import { auditOfJournal } from '../audit/journal-entries.js'
import { createBundleExchange } from '../bundles/bundle-exchange.js'
import { createBundleStore } from '../bundles/bundle-store.js'
import { createCleaner } from '../cleaning/cleaner.js'
import { createGarbageCollection } from '../cleaning/collect-garbage.js'
import { createControlServer } from '../control/control-server.js'
import { createEngine, type Engine } from '../engine/engine.js'
import type { FaultInjector } from '../engine/faults.js'
import { askProbe } from '../health/ask-probe.js'
import { createHealthWatch } from '../health/health-watch.js'
import { createFaultRecord } from '../host/fault-record.js'
import { createHostRecord } from '../host/host-record.js'
import { createSpentHost } from '../host/spent-host.js'
import { createHostManager } from '../host/create-host-manager.js'
import { rehearse } from '../host/rehearsal.js'
import { rehearseState } from '../host/rehearse-state.js'
import { createStateTables } from '../host/state-tables.js'
import { createCallTally } from '../metrics/call-tally.js'
import { createPeerMetrics } from '../metrics/peer-metrics.js'
import { createAnnouncements } from '../overlay/announcements.js'
import { createHeadTopic } from '../overlay/head-topic.js'
import { createOverlay } from '../overlay/overlay.js'
import { createRefusals } from '../overlay/refusals.js'
import { createCallerRecord } from '../rpc/caller-record.js'
import { createRpc } from '../rpc/rpc.js'
import type { GenesisSeed } from '../seed/genesis-seed.js'
import type { DataDirectory } from '../store/data-directory.js'
import type { OpenJournal } from '../store/journal.js'
import { createScratchFolder } from '../store/scratch-folder.js'
import { syncProtocol } from '../sync/messages.js'
import { createSync } from '../sync/sync.js'
import type { OnlineSigner } from '../trust/online-signer.js'
import { createRenewal } from '../trust/renewal.js'
import { createTrustService } from '../trust/trust-service.js'
import { instarVersion } from '../version.js'
import { monoMs, wallMs } from './clock.js'
import { createPeerControl } from './control.js'
import { measureMachine } from './machine.js'
import { createStateSize } from './state-size.js'
import { coreConfig, toCoreFact } from './facts.js'
import { helloOf } from './hello.js'
import { createHistoryWatch } from './history-watch.js'
import type { PeerConfiguration, PeerOptions } from './options.js'
import { createPerformer } from './perform.js'
import { createStateRehearsals, isStopped } from './state-rehearsals.js'

export interface PartsInit {
  readonly options: PeerOptions
  readonly config: PeerConfiguration
  readonly seed: GenesisSeed | undefined
  readonly directory: DataDirectory
  readonly journal: OpenJournal
  readonly log: Logger
  readonly faults: FaultInjector | undefined
  readonly signer: OnlineSigner | undefined
  /** Fires when the peer stops: what is under way is given up. */
  readonly signal: AbortSignal
  /** Begins a clean stop of the whole peer. */
  readonly stop: () => void
}

/**
 * Makes the parts of a peer and ties them together; none runs yet. The core stands in the middle: every other part hands it facts
 * (`input`), and the performer carries out what it decides.
 */
export async function createParts(init: PartsInit) {
  const { options, config, seed, directory, journal, log, faults, signer } = init
  const { paths, identity, store, audit } = directory
  const { network } = config

  const refusals = createRefusals({
    log,
    onRefused(kind, reason, peer, detail) {
      // What is wrong under every trust state; quotas that are used up are for the metrics.
      const isWrong = (kind === 'gossip' && reason !== 'Busy') || (kind === 'sync' && reason === 'Lied')
      if (isWrong) audit.refused(peer, reason, detail)
    }
  })
  const overlay = await createOverlay({
    refusals,
    identity,
    network,
    listen: config.listen,
    bootstrap: config.bootstrap,
    peerProtocol: syncProtocol,
    ...(options.sameHost === undefined ? {} : { sameHost: options.sameHost }),
    store,
    log
  })

  // The core and its shell. Everything below hands it facts, or does what it says.
  const input = (fact: Fact): void => engine.input(fact)
  const engine: Engine = createEngine({
    config: coreConfig(overlay.peerId, config, seed !== undefined),
    journal,
    perform: effect => performer.perform(effect),
    onEntries: entries => {
      const kept = auditOfJournal(entries)
      // The journal has it; a full disk is told of by whoever writes next.
      if (kept.length > 0) audit.append(...kept).catch((thrown: unknown) => log.warn({ err: thrown }, 'not audited'))
    },
    onChange: () => {
      health.changed()
      // P1: an operator's rehearsal of what is stopped ends as the peer's own does.
      stateRehearsals.end(version => isStopped(engine.state, version))
      control.changed()
      rpc.helloChanged()
    },
    wallMs,
    monoMs,
    log,
    ...(faults === undefined ? {} : { faults })
  })

  const trust = createTrustService({
    network,
    ...(seed === undefined ? {} : { documents: [...seed.documents, seed.descriptor] }),
    store,
    audit,
    now: wallMs,
    log,
    onFact: fact => {
      const known = toCoreFact(fact)
      if (known !== undefined) input(known)
    }
  })
  const renewal =
    signer === undefined
      ? undefined
      : createRenewal({ trust, signer, audit, wallMs, monoMs, log, onChange: () => control.changed() })
  const admission = createAdmissionService({
    peer: overlay.peerId,
    network,
    trust,
    store,
    now: wallMs,
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
    bootEpoch: directory.bootEpoch,
    store,
    ...(options.urgentPerMinute === undefined ? {} : { rates: { urgentPerMinute: options.urgentPerMinute } }),
    now: wallMs,
    log,
    judge: (peer, certificate) => admission.judge(peer, certificate),
    ownCertificate: () => admission.own()?.text,
    onAnnouncement: (statement, receivedAtMs, judged) => {
      admission.heard(statement)
      const { peer, running, versions } = statement
      if (overlay.connected().has(peer)) histories.told(peer, [running, ...versions])
      // What it shows is judged, and bulky.
      const { certificate: _, ...announcement } = statement
      const ageMs = Math.max(0, wallMs() - receivedAtMs)
      input({ fact: 'announcement', announcement, ageMs, admission: judged })
    },
    onAdmissions: admissions => input({ fact: 'admissions', admissions })
  })
  const sync = createSync({
    overlay,
    network,
    trust,
    announcements,
    certificates: admission,
    ...(options.syncEveryMs === undefined ? {} : { everyMs: options.syncEveryMs }),
    refusals,
    log
  })
  const pullFrom = async (peer: string): Promise<void> => {
    await sync.pullOnClaim(peer)
  }
  const pullInBackground = (peer: string): void =>
    void pullFrom(peer).catch((thrown: unknown) =>
      log.debug({ err: thrown, peer }, 'nothing could be pulled from a peer')
    )
  const histories = createHistoryWatch({ log: () => engine.state.log, pullFrom: pullInBackground, now: monoMs })
  const headTopic = createHeadTopic({ overlay, network, trust, pullFrom, log })

  const bundles = createBundleStore({
    directory: paths.bundles,
    onDamaged: (bundle, detail) => {
      log.error({ bundle, detail }, 'a bundle is damaged on disk and is fetched again')
      input({ fact: 'bundleLost', bundle })
    }
  })
  const exchange = createBundleExchange({ store: bundles, overlay, refusals })

  const faultRecord = createFaultRecord(wallMs)
  const tally = createCallTally()
  const health = createHealthWatch({ state: () => engine.state, input, now: monoMs })
  const hostRecord = createHostRecord(paths.hosts, log)
  const modulePath = (ref: CodeRef): Promise<string> => bundles.modulePath(ref)
  const stateTables = createStateTables({ directory: paths.state, log, now: monoMs })
  const host = createHostManager({
    look: (signal, restFactor) => stateTables.look(signal, restFactor),
    stateDirectory: paths.state,
    modulePath,
    network,
    outgoing: call => rpc.call(call),
    log,
    now: monoMs,
    // A crash has many causes; a loop and a flood have the one that was on the stack.
    onExit: ({ plan, caller, ending: { cause, kind, blame } }) =>
      input({
        fact: 'hostExited',
        plan: plan.plan,
        cause,
        ...(kind === undefined ? {} : { crash: caller === undefined ? {} : { caller } }),
        ...(blame === undefined || kind === 'crashed' ? {} : { suspect: blame.revision })
      }),
    onFault: fault => {
      faultRecord.add(fault)
      metrics.fault(fault)
    },
    watch: config.timing,
    queue: config.queue,
    record: hostRecord,
    ...(config.confineHosts ? { confined: { bundles: paths.bundles, copies: paths.scratch } } : {}),
    health,
    onBroken: error => {
      control.problem(error.message)
      spentHost.broke()
    },
    onSimulationFailed: ({ plan }, { revision, cause, machine }) => {
      input({ fact: 'simulationFailed', plan, revision, cause, ...(machine === undefined ? {} : { transient: true }) })
      // What was built for a version that nobody runs yet has spent the host: callers of the one that serves do not wait for a person.
      if (machine === 'StateDamaged' && host.broken() !== undefined) input({ fact: 'hostSpent', plan })
    },
    onBuilt: (plan, revision) => input({ fact: 'simulationBuilt', plan: plan.plan, revision }),
    dieAfterCommand: faults?.hostDiesAfterCommand
  })
  const spentHost = createSpentHost({
    directory: paths.root,
    broken: () => host.broken(),
    onRoom: () => {
      const { plan } = engine.state.host
      if (plan !== undefined) input({ fact: 'hostSpent', plan: plan.plan })
    },
    now: monoMs
  })
  const callers = createCallerRecord(wallMs)
  const rpc = createRpc({
    overlay,
    hello: () => helloOf(engine, overlay, network),
    routes: () => engine.routes(),
    host,
    // R3: whoever calls at a version that is not known here has its descriptors.
    onHigherVersion: pullInBackground,
    onHello: (peer, { role, versions }) => {
      if (role === 'peer')
        histories.told(
          peer,
          versions.map(([version, chainId]) => ({ version, chainId }))
        )
    },
    onOtherHistory: peer => histories.refused(peer),
    onOutcome: (header, outcome) => tally.count(header, outcome),
    onUse: version => input({ fact: 'used', version }),
    onCaller: (version, caller) => callers.note(version, caller),
    refusals,
    now: monoMs,
    log
  })
  const metrics = createPeerMetrics({
    state: () => engine.state,
    routes: () => engine.routes(),
    hostStats: () => host.stats(),
    calls: tally,
    refusals: () => refusals.all(),
    outgoing: () => rpc.counters
  })
  const stateSize = createStateSize({ directory: paths.state, log, now: monoMs })
  const scratch = createScratchFolder(paths.scratch)
  const cleaner = createCleaner({
    bundles,
    host,
    paths,
    scratch,
    wallMs,
    log,
    onStates: states => input({ fact: 'oldStates', states })
  })
  const garbage = createGarbageCollection({
    ...{ state: () => engine.state, input, cleaner, bundles, host, paths, scratch, wallMs, monoMs }
  })
  const stateRehearsals = createStateRehearsals({
    rehearse: (plans, signal, onProgress) =>
      rehearseState({
        ...plans,
        modulePath,
        network,
        stateDirectory: paths.state,
        scratch,
        record: hostRecord,
        copyState: (to, copyOptions) => host.copyState(to, copyOptions),
        watch: config.timing,
        log: log.child({ rehearsal: plans.plan.object.version }),
        now: monoMs,
        signal,
        onProgress
      }),
    onProgress: (version, progress) => control.rehearsing(version, progress)
  })
  const performer = createPerformer({
    cleaner,
    compactJournal: () => engine.compact(),
    bundles,
    exchange,
    providers: () => [...overlay.neighbours()],
    host,
    measure: () => measureMachine({ directory: paths.root, stateSize, log }),
    rehearse: (plans, signal) =>
      rehearse({
        plans,
        modulePath,
        network,
        scratch,
        log,
        now: monoMs,
        signal,
        record: hostRecord
      }),
    probe: probe => askProbe(host, overlay.peerId, probe, init.signal),
    stateRehearsals,
    announcements,
    input,
    log,
    wallMs,
    signal: init.signal,
    onStage: (version, detail) => control.stage(version, detail),
    onPause: (version, pauseMs) => control.pause(version, pauseMs)
  })

  const control = createPeerControl({
    engine,
    trust,
    admission,
    renewal: renewal === undefined || signer === undefined ? undefined : { signer, status: () => renewal.status() },
    audit,
    overlay,
    announcements,
    sync,
    host,
    rpc,
    bundles,
    performer,
    stateRehearsals,
    garbage,
    faults: faultRecord,
    callers,
    metrics,
    config,
    log,
    logPath: paths.log,
    stateSize,
    stop: init.stop
  })
  const server = createControlServer({ dataDirectory: paths.root, control, instar: instarVersion, log, now: wallMs })

  return {
    overlay,
    engine,
    trust,
    admission,
    renewal,
    announcements,
    sync,
    headTopic,
    bundles,
    exchange,
    health,
    host,
    rpc,
    control,
    server,
    stateRehearsals,
    spentHost,
    stateTables
  }
}
