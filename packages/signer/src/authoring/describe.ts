import {
  bundleBytes,
  bundleId,
  stateWords,
  upgradeWords,
  type ClassUpgrade,
  type Descriptor,
  type Schedule
} from '@instar/core'
import type { TrustState } from '../trust/state.js'
import type { Proposal } from './proposal.js'
import { authorThreshold, isPublished, validSignatures } from './sign.js'

/** What a signature would agree to, in words, one line each. Author's text is shown on one line, so that it cannot imitate ours. */
export function describeProposal(proposal: Proposal, trusted: TrustState): readonly string[] {
  const { descriptor, base } = proposal
  const signed = validSignatures(proposal, trusted)
  const threshold = authorThreshold(trusted)
  return [
    `version ${descriptor.version} "${oneLine(descriptor.title)}" of network ${proposal.network.slice(0, 8)}`,
    `made ${descriptor.createdAt}, for Instar ${oneLine(descriptor.runtime)}`,
    ...(descriptor.supersedes.length === 0 ? [] : [`skips the versions ${descriptor.supersedes.join(', ')}`]),
    ...descriptor.classes.flatMap(each => describeClass(each, proposal)),
    ...(descriptor.notes === '' ? [] : [`notes: ${oneLine(descriptor.notes)}`]),
    `targets revision ${base.revision} → ${base.revision + 1}${baseRemark(proposal, trusted)}`,
    `signed by ${signed.length} of ${Number.isFinite(threshold) ? threshold : '?'} authors${listOf(signed.map(each => each.keyId.slice(0, 8)))}`
  ]
}

function describeClass(upgrade: ClassUpgrade, { manifests, descriptor }: Proposal): readonly string[] {
  const { oldClass, newClass, bundle, entry } = upgrade
  const manifest = manifests.find(each => bundleId(each) === bundle)
  const size =
    manifest === undefined ? 'of unknown size' : `${bundleBytes(manifest)} bytes in ${manifest.files.length} files`
  return [
    oldClass === undefined ? `brings class ${newClass}` : `upgrades class ${oldClass} → ${newClass}`,
    `  code: ${entry} in bundle ${bundle}, ${size}`,
    ...(oldClass === undefined ? [`  state: ${stateWords(upgrade)}`] : costs(upgrade, descriptor)),
    `  schedule: ${strategy(upgrade.schedule)}; at the latest ${upgrade.schedule.deadline}, spread over ${duration(upgrade.schedule.deadlineSpreadMs)}`,
    `  the version before is retired after ${duration(upgrade.retirement.quietMs)} without calls${upgrade.retirement.notAfter === undefined ? '' : `, at the latest ${upgrade.retirement.notAfter}`}`
  ]
}

function costs(upgrade: ClassUpgrade, { version, supersedes }: Descriptor): readonly string[] {
  const old = `version ${version - 1 - supersedes.length}`
  const words = upgradeWords(upgrade, { old, new: `version ${version}` })
  return [
    ...(upgrade.compatible
      ? [`  calls: ${words.before}`]
      : [`  before the upgrade: ${words.before}`, `  after it: ${words.after}`]),
    `  state: ${words.state}`,
    `  way back: ${words.back}`
  ]
}

function strategy({ strategy: chosen }: Schedule): string {
  switch (chosen.type) {
    case 'eager':
      return 'as soon as the gates are open'
    case 'at':
      return `from ${chosen.time}`
    case 'manual':
      return "when each peer's operator approves"
    case 'rolling':
      return `at most ${chosen.maxUnavailable} at once of ${chosen.group === undefined ? 'all peers of the class' : `group ${chosen.group}`}`
    default:
      return JSON.stringify(chosen satisfies never)
  }
}

function baseRemark(proposal: Proposal, trusted: TrustState): string {
  if (isPublished(proposal, trusted)) return ' (published already)'
  return trusted.targets?.bodyHash === proposal.base.hash ? '' : ' (OUTDATED: the network has moved on, re-base it)'
}

function duration(ms: number): string {
  for (const [unit, length] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000]
  ] as const) {
    if (ms >= length && ms % length === 0) return `${ms / length} ${unit}`
  }
  return `${ms} ms`
}

function listOf(items: readonly string[]): string {
  return items.length === 0 ? '' : ` (${items.join(', ')})`
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
}
