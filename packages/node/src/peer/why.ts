import {
  classAt,
  divergedAt,
  divergedWords,
  effectivePolicy,
  entryOf,
  gatesOf,
  InstarError,
  isTrouble,
  strangeness,
  trialReport,
  upgradeAt,
  upgradeWords,
  type Admission,
  type GateState,
  type Now,
  type PeerState,
  type VersionProgress
} from '@instar/core'
import type { FacadeReason, FaultReason, GateReason, VersionReason, Why } from '../control/schema/why.js'
import type { Fault } from '../host/fault-record.js'
import { toTrialStatus } from './status.js'

/** Why this peer, or another one as it announced itself, is where it is (R18). @throws InstarError BadInput for an unknown peer */
export function whyOf(
  state: Readonly<PeerState>,
  now: Now,
  faults: readonly Fault[],
  own: Admission,
  peer?: string
): Why {
  return peer === undefined || peer === state.config.peer
    ? whyHere(state, now, faults, own)
    : whyThere(state, now, peer)
}

function whyHere(state: Readonly<PeerState>, now: Now, faults: readonly Fault[], own: Admission): Why {
  const versions = [...state.versions.values()]
    .filter(({ version, phase }) => phase !== 'retired' && !(phase === 'committed' && version === state.running))
    .sort((a, b) => a.version - b.version)
    .map(progress => reasonHere(state, progress, now))
  const stranger =
    own.by === 'nothing' ? ` It is not admitted (${own.reason}): what it announces counts nowhere (R21).` : ''
  const summary = `${summaryHere(state, versions)}${stranger}`
  const facades = facadesHere(state)
  return { peer: state.config.peer, self: true, summary, facades, versions, faults: faults.map(toReason) }
}

function facadesHere({ host, log, lineage, running }: Readonly<PeerState>): FacadeReason[] {
  if (host.status === 'down' || host.plan === undefined || lineage === undefined) return []
  const { past, object, future } = host.plan
  return [
    ...past.toReversed().map(({ revision, model }): FacadeReason => ({ version: revision, role: 'past', model })),
    { version: object.revision, role: 'object', state: classAt(log, lineage, running).upgrade.state },
    ...future.map(({ revision, model }): FacadeReason => ({ version: revision, role: 'future', model }))
  ]
}

/** What is lost by going back, and what leads to it, said as long as somebody might. */
function wayBack(
  state: Readonly<PeerState>,
  { version, phase }: VersionProgress
): Pick<VersionReason, 'back' | 'judged'> | undefined {
  if (state.lineage === undefined || phase === 'committed' || phase === 'retired') return undefined
  const upgrade = upgradeAt(state.log, state.lineage, version)
  if (upgrade === undefined) return undefined
  const words = upgradeWords(upgrade, { old: `version ${version - 1}`, new: `version ${version}` })
  return { back: words.back, judged: words.health }
}

function toReason({ className, revision, role, method, kind, count, lastWallMs, cause }: Fault): FaultReason {
  return {
    class: className,
    version: revision,
    ...(role === undefined ? {} : { role }),
    method,
    kind,
    count,
    last: new Date(lastWallMs).toISOString(),
    cause
  }
}

function summaryHere(state: Readonly<PeerState>, versions: readonly VersionReason[]): string {
  if (state.damage !== undefined) return state.damage
  if (state.lineage === undefined) return 'It has not joined the network yet.'
  const diverged = divergedAt(state)
  if (diverged !== undefined) return `It is diverged: ${divergedWords(state, diverged)}.`
  const pending = versions.filter(({ version }) => version > state.running)
  const onTrial = state.versions.get(state.running)?.phase === 'trial'
  if (onTrial) return `It runs version ${state.running}, which is still watched before it is committed.`
  if (pending.length === 0) {
    const held = effectivePolicy(state).hold ? ' Its operator holds every version that will come (policy `hold`).' : ''
    return `It runs version ${state.running}, the newest that it knows.${held}`
  }
  return `It runs version ${state.running}; ${pending.length === 1 ? `version ${pending[0]?.version} is` : `${pending.length} versions are`} pending.`
}

function reasonHere(state: Readonly<PeerState>, progress: VersionProgress, now: Now): VersionReason {
  const { version, phase } = progress
  const asksGates =
    version > state.running &&
    (phase === 'introduced' ||
      phase === 'waiting' ||
      phase === 'introducing' ||
      phase === 'halted' ||
      phase === 'frozen' ||
      isTrouble(phase))
  const back = wayBack(state, progress)
  const trial = trialReport(state, version, now.monoMs)
  return {
    version,
    title: entryOf(state.log, version).descriptor.title,
    phase,
    ...back,
    ...(trial === undefined ? {} : { trial: toTrialStatus(trial) }),
    summary: progress.reason ?? progress.cause ?? `It is ${phase}.`,
    gates: asksGates ? gatesOf(state, progress, now).map(gate => gateReason(gate.name, gate.state, progress)) : []
  }
}

function gateReason(gate: GateReason['gate'], state: GateState, progress: VersionProgress): GateReason {
  if (state.open) return { gate, open: true, reason: 'open', waitsFor: [] }
  const lookAgainAtMs = gate === 'schedule' ? progress.schedule?.lookAgainAtMs : undefined
  return {
    gate,
    open: false,
    reason: state.reason,
    rule: state.rule,
    waitsFor: [...state.waitsFor],
    ...(lookAgainAtMs === undefined || !Number.isFinite(lookAgainAtMs)
      ? {}
      : { lookAgainAt: new Date(lookAgainAtMs).toISOString() })
  }
}

function whyThere(state: Readonly<PeerState>, now: Now, peer: string): Why {
  const found = [...state.roster.values()].filter(
    ({ announcement }) => announcement.peer === peer || announcement.peer.endsWith(peer)
  )
  const [entry] = found
  if (entry === undefined || found.length > 1) {
    const flaw =
      found.length > 1
        ? `${found.length} peers end in "${peer}"; give more of the id`
        : `No peer "${peer}" is known here`
    throw new InstarError('BadInput', `${flaw}. \`instar status\` lists them.`)
  }
  const { announcement, heardMonoMs } = entry
  const strange = strangeness(state, entry, now)
  const stranger =
    strange === undefined ? '' : ` It is not admitted (${strange}): what it announces enters no decision here (R21).`
  const lastHeardMs = Math.max(0, Math.round(now.monoMs - heardMonoMs))
  const versions = announcement.versions.map(({ version, phase, reason }): VersionReason => {
    const title = state.log[version - 1]?.descriptor.title ?? 'not known here'
    return {
      version,
      title,
      phase,
      summary: reason ?? (isTrouble(phase) ? `It failed there (${phase}).` : `It is ${phase} there.`),
      gates: []
    }
  })
  const silence = `last heard ${Math.round(lastHeardMs / 1000)} s ago`
  const summary = `By its own word it runs version ${announcement.running.version} and trusts versions up to ${announcement.newest}; ${silence}.${stranger}`
  return { peer: announcement.peer, self: false, lastHeardMs, summary, facades: [], versions, faults: [] }
}
