import {
  blockOf,
  byPeer,
  chainIdPrefix,
  crashLoopOf,
  crashLoopWords,
  divergedAt,
  effectivePolicy,
  entryOf,
  floorOf,
  isAlone,
  isReachable,
  isSwitching,
  overdueVersions,
  servedRange,
  strangeness,
  trialReport,
  classAt,
  type PeerState,
  type RehearsedState,
  type RosterEntry,
  type TrialReport,
  type VersionProgress
} from '@instar/core'
import type {
  AdmissionStatus,
  CallCounts,
  HostStatus,
  NeighbourStatus,
  PeerStatus,
  TrustStatus,
  VersionStatus
} from '../control/schema/status.js'
import type { BuildProgress } from '@instar/simulator-runtime/host'
import { certificateStatus } from '../admission/admission-status.js'
import type { FetchProgress } from '../bundles/bundle-exchange.js'
import type { AuditHead } from '../audit/audit-line.js'
import type { CallerRecord } from '../rpc/caller-record.js'
import type { SentOffPeer } from '../overlay/sent-off.js'
import { monoMs, wallMs } from './clock.js'
import type { StateRehearsals } from './state-rehearsals.js'
import { neededVersions } from './needed-versions.js'
import { stopProblems } from './stops-shown.js'

/** What the status is drawn from, besides the core's state. */
export interface StatusSources {
  readonly network: string
  readonly addresses: readonly string[]
  readonly connected: ReadonlySet<string>
  readonly trust: TrustStatus
  readonly admission: AdmissionStatus
  readonly audit: AuditHead
  readonly host: Omit<HostStatus, 'plan' | 'restarts'>
  readonly callsPerVersion: Readonly<Record<string, CallCounts>>
  readonly problems: readonly string[]
  readonly sentOff: readonly SentOffPeer[]
  readonly fetches: ReadonlyMap<string, FetchProgress>
  readonly callers: CallerRecord
  readonly pausesMs: ReadonlyMap<number, number>
  /** Twins whose state is being built (§8). */
  readonly building: readonly BuildProgress[]
  /** The upgrade that is being tried on a copy of the state. */
  readonly rehearsal: StateRehearsals['underWay']
  readonly transform: { readonly to: number; readonly done?: number; readonly total?: number } | undefined
}

/** Everything that people see of a peer, as it is now. */
export function statusOf(state: Readonly<PeerState>, from: StatusSources): PeerStatus {
  const { config, lineage, log } = state
  const running = Math.max(state.running, 1)
  const served = servedRange(state)
  const diverged = divergedAt(state)
  return {
    peer: config.peer,
    network: from.network,
    class: lineage === undefined ? (config.className ?? 'not chosen') : classAt(log, lineage, state.running).className,
    groups: [...config.groups],
    instar: config.instar,
    epoch: Math.max(state.epoch, 1),
    addresses: [...from.addresses],
    joined: lineage !== undefined,
    running: { version: running, chainId: chainIdPrefix(log, running) ?? '' },
    newest: Math.max(log.length, 1),
    floor: Math.max(lineage === undefined ? 1 : floorOf(state), 1),
    ...(served === undefined ? {} : { served: [...served] as [number, number] }),
    ...(diverged === undefined ? {} : { diverged }),
    trust: from.trust,
    admission: from.admission,
    audit: { ...from.audit },
    versions: [...state.versions.values()]
      .filter(({ phase }) => phase !== 'retired')
      .sort((a, b) => a.version - b.version)
      .map(progress => versionStatus(state, progress, from)),
    needed: neededVersions(state, { wallMs: wallMs(), monoMs: monoMs() }, from.callers),
    host: { ...from.host, plan: state.host.plan?.plan ?? 0, restarts: state.host.crashes },
    peers: [...state.roster.values()].sort(byPeer).map(entry => neighbourStatus(state, entry, from.connected)),
    problems: problemsOf(state, from),
    ...(from.sentOff.length === 0 ? {} : { sentOff: from.sentOff.slice(0, sentOffShownMax).map(toSentOff) }),
    callsPerVersion: { ...from.callsPerVersion }
  }
}

/** A flood sends many off, and a status is read by people. */
const sentOffShownMax = 20

function toSentOff({ peer, reason, sinceMs, untilMs }: SentOffPeer): NonNullable<PeerStatus['sentOff']>[number] {
  return { peer, reason, since: new Date(sinceMs).toISOString(), until: new Date(untilMs).toISOString() }
}

function versionStatus(state: Readonly<PeerState>, progress: VersionProgress, from: StatusSources): VersionStatus {
  const { version, phase } = progress
  const pause = from.pausesMs.get(version)
  const shown = progressShown(state, progress, from)
  const trial = trialReport(state, version, monoMs())
  const reason = progress.reason ?? progress.cause
  const { passed } = progress.rehearsal
  return {
    version,
    title: entryOf(state.log, version).descriptor.title,
    phase,
    ...(reason === undefined ? {} : { reason }),
    since: new Date(progress.sinceWallMs).toISOString(),
    held: progress.held || effectivePolicy(state).hold,
    ...(shown === undefined ? {} : { progress: shown }),
    ...(trial === undefined ? {} : { trial: toTrialStatus(trial) }),
    ...(pause === undefined ? {} : { lastPauseMs: pause }),
    ...(passed === undefined || version <= state.running ? {} : { rehearsed: rehearsedShown(passed) })
  }
}

/** As the control API has it: its arrays are its own. */
export function toTrialStatus(report: TrialReport): NonNullable<VersionStatus['trial']> {
  return { ...report, worst: report.worst.map(each => ({ ...each })), remarks: [...report.remarks] }
}

function rehearsedShown({ atMs, stateVersion, ...rest }: RehearsedState): VersionStatus['rehearsed'] {
  return { at: new Date(atMs).toISOString(), onVersion: stateVersion, ...rest }
}

function progressShown(
  state: Readonly<PeerState>,
  { version, phase }: VersionProgress,
  from: StatusSources
): VersionStatus['progress'] {
  if (phase === 'fetching') {
    const bundle = entryOf(state.log, version).descriptor.classes.find(each => from.fetches.has(each.bundle))?.bundle
    const fetch = bundle === undefined ? undefined : from.fetches.get(bundle)
    if (fetch === undefined) return undefined
    return { stage: 'bytes', done: fetch.bytes, ...(fetch.bytesTotal === undefined ? {} : { total: fetch.bytesTotal }) }
  }
  if (phase === 'introducing' && state.lineage !== undefined) {
    const { revision } = classAt(state.log, state.lineage, version)
    return buildingShown(from.building.find(each => each.revision === revision))
  }
  if (from.rehearsal?.version === version) {
    const { stage = 'copying', done, total } = from.rehearsal.progress ?? {}
    return { stage, ...(done === undefined ? {} : { done }), ...(total === undefined ? {} : { total }) }
  }
  if (!isSwitching(phase)) return undefined
  const { switching } = state.host
  if (switching?.version !== version || switching.stage === undefined) return undefined
  const { transform, building } = from
  // A transform by entries is taken while the version before still serves (§8).
  if (switching.stage === 'loaded' && building[0] !== undefined) return buildingShown(building[0])
  if (switching.stage !== 'transforming' || transform?.to !== version) return { stage: switching.stage }
  return {
    stage: switching.stage,
    ...(transform.done === undefined ? {} : { done: transform.done }),
    ...(transform.total === undefined ? {} : { total: transform.total })
  }
}

function buildingShown(build: BuildProgress | undefined): VersionStatus['progress'] {
  if (build === undefined) return undefined
  const { entries: done, bytes, share, leftMs } = build
  return {
    ...{ stage: 'building', done, bytes },
    ...(share === undefined ? {} : { share }),
    ...(leftMs === undefined ? {} : { leftMs })
  }
}

export function neighbourStatus(
  state: Readonly<PeerState>,
  entry: RosterEntry,
  connected: ReadonlySet<string>
): NeighbourStatus {
  const { announcement, admission } = entry
  const now = { wallMs: wallMs(), monoMs: monoMs() }
  const strange = strangeness(state, entry, now)
  return {
    peer: announcement.peer,
    class: announcement.class,
    groups: [...announcement.groups],
    instar: announcement.instar,
    running: announcement.running.version,
    floor: announcement.floor,
    ...(announcement.served === undefined ? {} : { served: announcement.served }),
    versions: announcement.versions.map(({ version, phase, reason }) => ({
      version,
      phase,
      ...(reason === undefined ? {} : { reason })
    })),
    lastHeardMs: Math.max(0, Math.round(now.monoMs - entry.heardMonoMs)),
    reachable: isReachable(entry, now.monoMs, state.config.timing.unreachableAfterMs),
    connected: connected.has(announcement.peer),
    admitted: strange === undefined,
    ...(strange === undefined ? {} : { notAdmitted: strange }),
    ...(admission.by === 'certificate' ? { certificate: certificateStatus(admission) } : {})
  }
}

/** What needs a person, one sentence each. */
function problemsOf(state: Readonly<PeerState>, from: StatusSources): string[] {
  const problems = [...from.problems]
  if (state.damage !== undefined) problems.push(state.damage)
  if (state.lineage === undefined) problems.push(whyNotJoined(state))
  if (!from.trust.fresh && state.log.length > 0) {
    problems.push(`The trust metadata are stale: nothing new starts until ${whoRenews(from.trust)}.`)
  }
  const { host } = state
  const loop = crashLoopOf(state, monoMs())
  if (loop !== undefined) {
    const help = loop.isParked ? ' `instar peer unpark` starts it again.' : ''
    problems.push(`Version ${state.running} is committed, and ${crashLoopWords(loop)}.${help}`)
  } else if (host.status === 'down' && host.lastError !== undefined)
    problems.push(`The host does not run: ${host.lastError}`)
  for (const [bundle, fetch] of from.fetches) {
    if (fetch.reason !== undefined) problems.push(`Bundle ${bundle.slice(0, 12)}… is not here yet: ${fetch.reason}`)
  }
  for (const { version, phase, cause, lack, trial, attempt, reason } of state.versions.values()) {
    if (phase === 'introduceFailed' || phase === 'failed' || phase === 'wentBack') {
      problems.push(
        `Version ${version} does not work here (${phase}): ${cause ?? 'no cause is known'}. \`instar upgrade resume ${version}\` tries it again.`
      )
    } else if (phase === 'goingBack' && attempt > 0) {
      problems.push(`Version ${version} cannot be left here: ${reason ?? 'no cause is known'}.`)
    } else if (trial?.ill !== undefined) {
      problems.push(
        `Version ${version} is on trial here and failed: ${trial.ill}. \`instar upgrade back ${version}\` sends it back, where it has a way back; \`instar upgrade approve ${version}\` keeps it.`
      )
    } else if (lack !== undefined) {
      problems.push(`Version ${version} does not go on here: ${lack.words}.`)
    } else if (phase === 'waiting' && cause !== undefined) {
      problems.push(`The last attempt to upgrade to version ${version} failed: ${cause}`)
    }
  }
  for (const { version, sinceMs, reason } of overdueVersions(state, { wallMs: wallMs(), monoMs: monoMs() })) {
    const since = new Date(sinceMs).toISOString()
    problems.push(`Version ${version} was to run here since ${since}, and this peer is held back: ${reason}.`)
  }
  return [...problems, ...stopProblems(state, from.trust)]
}

/** Online signers renew their own two documents; whatever else has expired needs people. */
function whoRenews({ expired }: TrustStatus): string {
  const byPeople = expired.filter(role => role !== 'snapshot' && role !== 'timestamp')
  if (byPeople.length === 0) return 'a holder of the timestamp key signs a new timestamp'
  return `the holders of the keys for ${byPeople.join(' and ')} sign again what has expired (instar network renew)`
}

function whyNotJoined(state: Readonly<PeerState>): string {
  if (state.log.length === 0)
    return 'It has not learned the network yet: it waits for a neighbour that knows the trust documents.'
  if (!isAlone(state) && !state.synced)
    return 'It has not joined yet: it waits for the first complete exchange with a neighbour.'
  const block = state.log.map(({ version }) => blockOf(state, version)).find(each => each !== undefined)
  if (block !== undefined) return `It has not joined yet: there is no version to begin with, as ${block.reason}.`
  const known = [...new Set(state.log.flatMap(({ descriptor }) => descriptor.classes.map(each => each.newClass)))]
  const asked = state.config.className
  const flaw = asked === undefined ? 'The network has several classes' : `The network has no class ${asked}`
  return `${flaw}; it knows ${known.join(', ')}: start the peer with --class and one of them.`
}
