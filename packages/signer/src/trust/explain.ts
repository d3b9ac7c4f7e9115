import { parseDescriptor } from '@instar/core'
import type { MetadataRole } from '../metadata/document.js'
import { freshUntilMs, missingDescriptors, trustedUpgrades } from './reading.js'
import type { TrustState } from './state.js'

/** What is trusted, in words: one line each, for `instar network show`. */
export function explainTrust(state: TrustState, nowMs: number): readonly string[] {
  const root = state.roots.at(-1)
  const lines = [`network ${state.network}`]
  if (root === undefined) return [...lines, 'nothing is trusted yet: root 1 has not arrived']
  lines.push(`root ${root.version}, ${expiry(root.expiresMs, nowMs)}`)
  for (const [role, { keyIds, threshold }] of Object.entries(root.model.roles)) {
    lines.push(
      `  ${role}: ${threshold} of ${keyIds.length} ${plural(keyIds.length, 'key')} (${keyIds.map(short).join(', ')})`
    )
  }
  lines.push(
    state.targets === undefined
      ? 'targets: none that this root trusts'
      : `targets revision ${state.targets.version}, ${expiry(state.targets.expiresMs, nowMs)}, signed by ${signers(state.targets)}`
  )
  const until = freshUntilMs(state)
  lines.push(until === 0 ? 'not fresh: no timestamp vouches for what is held' : `trust is ${freshness(until, nowMs)}`)
  return [...lines, ...versionLines(state), ...forkLines(state)]
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
  return state.named.forks.map(({ version, hashes }) => {
    const who = hashes.map(hash => {
      const revision = [state.targets, ...state.witnesses].find(
        each => each?.model.upgrades.get(version)?.hash === hash
      )
      return `${short(hash)} in revision ${revision?.version ?? 0} signed by ${revision === undefined ? 'nobody' : signers(revision)}`
    })
    return `version ${version} is FORKED: ${who.join('; ')}. It starts nowhere until the root decides.`
  })
}

function signers({ signatures }: { readonly signatures: readonly { readonly keyId: string }[] }): string {
  return signatures.map(each => short(each.keyId)).join(', ')
}

/** The keys that may sign for a role, by the newest root; empty without one. */
export function authorizedKeys(state: TrustState, role: MetadataRole): readonly string[] {
  return state.roots.at(-1)?.model.roles[role].keyIds ?? []
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
