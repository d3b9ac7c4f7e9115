import type { FaultReason, GateReason, Why } from '@instar/node/control'
import { toWords } from '../options/duration.js'
import type { Output } from './output.js'
import { shortPeer } from './peer-name.js'
import { colourPhase } from './status-text.js'
import { trialLines } from './trial-text.js'

/** Why a peer is where it is, gate by gate (R18). */
export function whyText(why: Why, output: Output, nowMs: number): string {
  const heard = why.lastHeardMs === undefined ? '' : ` (heard ${toWords(why.lastHeardMs)} ago)`
  const lines = [`${why.peer}${heard}`, why.summary, ...facadeLines(why)]
  for (const version of why.versions) {
    lines.push(
      '',
      `v${version.version} ${version.title}: ${colourPhase(version.phase, output)}`,
      `  ${version.summary}`
    )
    if (version.back !== undefined) lines.push(`  way back: ${version.back}`)
    if (version.judged !== undefined) lines.push(`  trial: ${version.judged}`)
    if (version.trial !== undefined) lines.push(...trialLines(version.trial).map(line => `  ${line}`))
    lines.push(...version.gates.map(gate => `  ${gateLine(gate, output)}`))
  }
  if (why.faults.length > 0)
    lines.push('', 'went wrong here:', ...why.faults.map(each => `  ${faultLine(each, nowMs)}`))
  return lines.join('\n')
}

function faultLine(
  { class: name, version, role, method, kind, count, last, cause }: FaultReason,
  nowMs: number
): string {
  const where = role === undefined || role === 'object' ? '' : ` (${role} simulation object)`
  const often = count === 1 ? 'once' : `${count} times, last`
  const age = toWords(Math.max(0, nowMs - Date.parse(last)))
  const what = method === '' ? '' : `, ${method}`
  return `${name} v${version}${where}${what}: ${kind} ${often} ${age} ago: ${cause}`
}

/** Which model serves each version, where any does (R11). */
function facadeLines({ facades }: Why): readonly string[] {
  const ownsFiles = facades.some(each => each.state === 'directory')
  if (facades.length < 2 && !ownsFiles) return []
  return facades.map(({ version, role, model, state }) =>
    role === 'object'
      ? `  v${version} is served by the object${state === 'directory' ? ', whose state are files: its commands are not atomic' : ''}`
      : `  v${version} is served by a ${role} simulation object (${model ?? 'direct'})`
  )
}

function gateLine(gate: GateReason, output: Output): string {
  const state = gate.open ? output.style('green', 'open  ') : output.style('yellow', 'closed')
  const rule = gate.rule === undefined ? '' : ` [${gate.rule}]`
  const peers = gate.waitsFor.length === 0 ? '' : ` Waits for ${gate.waitsFor.map(shortPeer).join(', ')}.`
  const later = gate.lookAgainAt === undefined ? '' : ` Looks again at ${gate.lookAgainAt}.`
  return `${gate.gate.padEnd(8)} ${state} ${gate.reason}${rule}${peers}${later}`
}
