import { isSwitching, isTrouble, type Phase } from '@instar/core'
import type { NeighbourStatus, PeerStatus } from '@instar/node/control'
import { toWords } from '../options/duration.js'
import type { Output } from './output.js'
import { shortPeer } from './peer-name.js'
import { toSizeWords } from './size-words.js'
import { trialSummary } from './trial-text.js'

/** What a person sees of a peer: itself, its versions, the others, and what needs attention. */
export function statusText(status: PeerStatus, output: Output, nowMs: number): string {
  const sections = [peerLines(status, output), versionTable(status, output, nowMs), peerTable(status, output)]
  if (status.sentOff !== undefined) sections.push(sentOffTable(status.sentOff, output))
  if (status.problems.length > 0)
    sections.push(status.problems.map(problem => output.style('red', `! ${problem}`)).join('\n'))
  return sections.join('\n\n')
}

function peerLines(status: PeerStatus, output: Output): string {
  const { trust, host } = status
  const freshness = trust.fresh
    ? `fresh until ${trust.freshUntil ?? 'further notice'}`
    : output.style('yellow', 'stale: nothing new starts')
  const groups = status.groups.length > 0 ? ` (groups ${status.groups.join(', ')})` : ''
  const calls = Object.entries(status.callsPerVersion).map(
    ([version, count]) => `v${version} ${count.calls} (${count.disallowed} disallowed, ${count.errors} errors)`
  )
  return [
    `peer     ${status.peer}  ${status.class}${groups}`,
    `network  ${status.network.slice(0, 16)}…  newest v${status.newest}  trust ${freshness}`,
    `runs     ${status.joined ? `v${status.running.version}  serves ${served(status.served)}` : 'nothing yet'}  instar ${status.instar}`,
    `host     ${host.pid === undefined ? output.style('red', 'not running') : `pid ${host.pid}, up ${toWords(host.uptimeMs)}`}, plan ${host.plan}, ${host.restarts} restarts, ${host.heldCalls} calls queued${host.stateBytes === undefined ? '' : `, state ${toSizeWords(host.stateBytes)}`}`,
    `calls    ${calls.join('; ') || 'none yet'}`,
    ...renewalLine(trust),
    `audit    line ${status.audit.seq}, head ${status.audit.hash.slice(0, 16)}`,
    ...outboxLine(host, output),
    ...admissionLines(status, output)
  ].join('\n')
}

/** Of a peer that holds online keys. */
function renewalLine({ renewal }: PeerStatus['trust']): readonly string[] {
  if (renewal === undefined) return []
  const one = renewal.signers === 1 ? '' : ` as one of ${renewal.signers} signers`
  return [`signs    ${renewal.next === undefined ? 'nothing now' : `a new timestamp at ${renewal.next}`}${one}`]
}

/** Who counts (R21), where that is not simply everybody. */
function admissionLines({ admission }: PeerStatus, output: Output): readonly string[] {
  const { policy, admitted, reason, certificate, revoked, groups } = admission
  const until = certificate === undefined ? '' : `, its certificate ends at ${certificate.expires}`
  const self = admitted ? `this peer counts${until}` : output.style('red', `this peer does NOT count: ${reason ?? ''}`)
  const taken = revoked === 0 ? '' : `, ${revoked} revoked`
  return [
    ...(policy === 'open' ? [] : [`admits   by certificate${taken}; ${self}`]),
    ...groups.map(
      ({ group, configuration, members, limit }) =>
        `group    ${group}, configuration ${configuration}: ${members.map(shortPeer).join(', ')}; at most ${limit} down at once`
    )
  ]
}

/** Calls that the object's commands have left for other peers, where something is to be said about them. */
function outboxLine({ outbox }: PeerStatus['host'], output: Output): readonly string[] {
  if (outbox === undefined || outbox.waiting + outbox.refused + outbox.givenUp === 0) return []
  const { waiting, delivered, refused, givenUp } = outbox
  const lost = `${refused} refused, ${givenUp} given up`
  const words = refused + givenUp > 0 ? output.style('yellow', lost) : lost
  return [`outbox   ${waiting} calls wait, ${delivered} delivered, ${words}`]
}

function versionTable(status: PeerStatus, output: Output, nowMs: number): string {
  const rows = status.versions.map(each => [
    `v${each.version}`,
    each.title,
    colourPhase(each.phase, output) + (each.held && !isSettled(each.phase) ? output.style('yellow', ' (held)') : ''),
    toWords(Math.max(0, nowMs - Date.parse(each.since))),
    each.lastPauseMs === undefined ? '' : toWords(each.lastPauseMs),
    [progressWords(each.progress), each.trial === undefined ? undefined : trialSummary(each.trial), each.reason]
      .filter(text => text !== undefined)
      .join(': ')
  ])
  return output.table(['VERSION', 'TITLE', 'PHASE', 'FOR', 'PAUSE', 'REASON'], rows)
}

function sentOffTable(sentOff: NonNullable<PeerStatus['sentOff']>, output: Output): string {
  const rows = sentOff.map(({ peer, until, reason }) => [shortPeer(peer), until, reason])
  return output.table(['SENT OFF', 'UNTIL', 'REASON'], rows)
}

/** A hold on what is done already means nothing to a person. */
function isSettled(phase: Phase): boolean {
  return phase === 'committed' || phase === 'retired'
}

function progressWords(progress: PeerStatus['versions'][number]['progress']): string | undefined {
  if (progress?.done === undefined) return progress?.stage
  const { stage, done, total, bytes, share, leftMs } = progress
  if (total !== undefined) return `${stage} ${done}/${total}`
  return [
    `${stage} ${done} entries`,
    ...(bytes === undefined ? [] : [toSizeWords(bytes)]),
    ...(share === undefined ? [] : [`${Math.floor(share * 100)} %`]),
    ...(leftMs === undefined || share === 1 ? [] : [`about ${toWords(leftMs)} left`])
  ].join(', ')
}

function peerTable(status: PeerStatus, output: Output): string {
  if (status.peers.length === 0) return 'No other peer is known yet.'
  const rows = status.peers.map(each => [
    shortPeer(each.peer),
    each.class,
    `v${each.running}`,
    served(each.served),
    each.versions.map(({ version, phase }) => `v${version} ${colourPhase(phase, output)}`).join(', '),
    reachability(each, output),
    reasonOf(each, output)
  ])
  return output.table(['PEER', 'CLASS', 'RUNS', 'SERVES', 'PENDING', 'HEARD', 'REASON'], rows)
}

/** What a stranger says of its versions counts nowhere, so that comes first. */
function reasonOf({ notAdmitted, versions }: NeighbourStatus, output: Output): string {
  if (notAdmitted !== undefined) return output.style('yellow', `not admitted: ${notAdmitted}`)
  return versions.map(({ reason }) => reason).find(reason => reason !== undefined) ?? ''
}

function reachability(peer: NeighbourStatus, output: Output): string {
  const heard = `${toWords(peer.lastHeardMs)} ago`
  if (!peer.reachable) return output.style('red', `${heard}, unreachable`)
  return peer.connected ? heard : `${heard}, not connected`
}

function served(range: PeerStatus['served']): string {
  if (range === undefined) return 'nothing'
  return range[0] === range[1] ? `v${range[0]}` : `v${range[0]}–v${range[1]}`
}

/** R18: upgrading looks like work in progress, never like a failure. */
export function colourPhase(phase: Phase, output: Output): string {
  if (isTrouble(phase) || phase === 'frozen' || phase === 'halted' || phase === 'diverged')
    return output.style('red', phase)
  if (isSwitching(phase) || phase === 'trial') return output.style('cyan', phase)
  return phase === 'committed' ? output.style('green', phase) : phase
}
