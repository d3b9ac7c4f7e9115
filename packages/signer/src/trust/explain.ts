import { parseDescriptor } from '@instar/core'
import { delegatedRoles, topLevelRoles, type Held, type MetadataRole } from '../metadata/document.js'
import { keepNone } from '../metadata/root.js'
import { admissionOf } from './admission.js'
import { decisionsOf, forksOf } from './forks.js'
import { haltsOf } from './halts.js'
import { authorizedKeys, thresholdOf } from './holders.js'
import { freshUntilMs, missingDescriptors, trustedUpgrades } from './reading.js'
import type { TrustState } from './state.js'

/** What is trusted, in words: one line each, for `instar network show`. */
export function explainTrust(state: TrustState, nowMs: number): readonly string[] {
  const root = state.roots.at(-1)
  const lines = [`network ${state.network}`]
  if (root === undefined) return [...lines, 'nothing is trusted yet: root 1 has not arrived']
  lines.push(`root ${root.version}, ${expiry(root.expiresMs, nowMs)}`)
  lines.push(...topLevelRoles.map(role => keysLine(state, role)))
  const { targets } = state
  if (targets === undefined) lines.push('targets: none that this root trusts')
  else lines.push(registerLine('targets revision', targets, nowMs), ...delegatedLines(state, nowMs))
  const until = freshUntilMs(state)
  lines.push(until === 0 ? 'not fresh: no timestamp vouches for what is held' : `trust is ${freshness(until, nowMs)}`)
  return [...lines, ...versionLines(state), ...forkLines(state), ...decisionLines(state), ...haltLines(state)]
}

function keysLine(state: TrustState, role: MetadataRole): string {
  const keyIds = authorizedKeys(state, role)
  const count = `${thresholdOf(state, role)} of ${keyIds.length} ${plural(keyIds.length, 'key')}`
  return `  ${role}: ${count} (${keyIds.map(short).join(', ')})`
}

function registerLine(what: string, held: Held<unknown>, nowMs: number): string {
  return `${what} ${held.version}, ${expiry(held.expiresMs, nowMs)}, signed by ${signers(held)}`
}

function delegatedLines(state: TrustState, nowMs: number): readonly string[] {
  const held = delegatedRoles.filter(role => authorizedKeys(state, role).length > 0)
  const { halt, admission } = state
  return [
    ...held.map(role => keysLine(state, role)),
    ...(halt === undefined ? [] : [registerLine('halt', halt, nowMs)]),
    ...(admission === undefined ? [] : [registerLine('admission', admission, nowMs)]),
    ...admissionLines(state)
  ]
}

function admissionLines(state: TrustState): readonly string[] {
  const { policy, revoked, groups } = admissionOf(state)
  const door = policy === 'open' ? 'every peer counts as admitted' : 'only peers with a certificate count in decisions'
  return [
    `policy ${policy}: ${door}${revoked.size === 0 ? '' : `, ${revoked.size} revoked`}`,
    ...[...groups.values()].map(
      ({ group, configuration, members, limit }) =>
        `group ${group}, configuration ${configuration}: ${members.length} ${plural(members.length, 'member')}, at most ${limit} down at once`
    )
  ]
}

function decisionLines(state: TrustState): readonly string[] {
  return [...decisionsOf(state)].map(([version, keep]) =>
    keep === keepNone
      ? `version ${version}: the root keeps no descriptor`
      : `version ${version}: the root keeps descriptor ${short(keep)}`
  )
}

function haltLines(state: TrustState): readonly string[] {
  return [...haltsOf(state).values()].map(({ version, order, unload, reason, at }) =>
    order === 'halt'
      ? `version ${version} is HALTED${unload ? ' and unloaded' : ''} since ${at}: ${reason}`
      : `version ${version} was resumed ${at}: ${reason}`
  )
}

function versionLines(state: TrustState): readonly string[] {
  const lines = trustedUpgrades(state).map(({ version, descriptorHash, descriptorBytes }) => {
    const parsed = parseDescriptor(descriptorBytes)
    const title = parsed.verdict === 'accept' ? ` "${parsed.value.title}"` : ''
    return `version ${version}${title}, descriptor ${short(descriptorHash)}`
  })
  return [
    ...lines,
    ...missingDescriptors(state).map(each => `version ${each.version}, descriptor ${short(each.hash)} not here yet`)
  ]
}

function forkLines(state: TrustState): readonly string[] {
  return forksOf(state).map(({ version, sides }) => {
    const who = sides.map(
      ({ hash, revision, signedBy }) =>
        `${short(hash)} in revision ${revision} signed by ${signedBy.map(short).join(', ')}`
    )
    return `version ${version} is FORKED: ${who.join('; ')}. It starts nowhere until the root decides.`
  })
}

function signers({ signatures }: { readonly signatures: readonly { readonly keyId: string }[] }): string {
  return signatures.map(each => short(each.keyId)).join(', ')
}

function freshness(untilMs: number, nowMs: number): string {
  return untilMs > nowMs ? `fresh until ${iso(untilMs)}` : `STALE since ${iso(untilMs)}: upgrades do not start`
}

function expiry(expiresMs: number, nowMs: number): string {
  return `${expiresMs > nowMs ? 'expires' : 'EXPIRED'} ${iso(expiresMs)}`
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

function short(hex: string): string {
  return hex.slice(0, 8)
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`
}
