import {
  bundleBytes,
  bundleId,
  introduceOverMsDefault,
  startOf,
  stateWords,
  upgradeWords,
  type ClassUpgrade,
  type Descriptor,
  type Schedule
} from '@instar/core'
import type { TrustState } from '../../trust/state.js'
import type { UpgradeChange } from '../kinds/upgrade.js'
import { oneLine } from './text.js'

/** What an upgrade changes, one line each. */
export function upgradeProposalWords({ network }: TrustState, change: UpgradeChange): readonly string[] {
  const { descriptor } = change
  return [
    `version ${descriptor.version} "${oneLine(descriptor.title)}" of network ${network.slice(0, 8)}`,
    `made ${descriptor.createdAt}, for Instar ${oneLine(descriptor.runtime)}`,
    ...(descriptor.supersedes.length === 0 ? [] : [supersedingWords(descriptor)]),
    ...descriptor.classes.flatMap(each => describeClass(each, change)),
    ...(descriptor.notes === '' ? [] : [`notes: ${oneLine(descriptor.notes)}`])
  ]
}

function describeClass(upgrade: ClassUpgrade, { manifests, descriptor }: UpgradeChange): readonly string[] {
  const { oldClass, newClass, bundle, entry } = upgrade
  const manifest = manifests.find(each => bundleId(each) === bundle)
  const size =
    manifest === undefined
      ? 'of unknown size'
      : `${bundleBytes(manifest)} bytes in ${countOf(manifest.files.length, 'file')}`
  return [
    `${oldClass === undefined ? `brings class ${newClass}` : `upgrades class ${oldClass} → ${newClass}`}${startWords(upgrade, descriptor)}`,
    `  code: ${entry} in bundle ${bundle}, ${size}`,
    ...(oldClass === undefined ? [`  state: ${stateWords(upgrade)}`] : costs(upgrade, descriptor)),
    `  schedule: ${strategy(upgrade.schedule)}; at the latest ${upgrade.schedule.deadline}, spread over ${duration(upgrade.schedule.deadlineSpreadMs)}`,
    ...(oldClass === undefined ? [] : beginning(upgrade)),
    `  the version before is retired after ${duration(upgrade.retirement.quietMs)} without calls${upgrade.retirement.notAfter === undefined ? '' : `, at the latest ${upgrade.retirement.notAfter}`}`
  ]
}

function costs(upgrade: ClassUpgrade, { version }: Descriptor): readonly string[] {
  const old = `version ${startOf(upgrade, version)}`
  const words = upgradeWords(upgrade, { old, new: `version ${version}` })
  return [
    ...(upgrade.compatible
      ? [`  calls: ${words.before}`]
      : [`  before the upgrade: ${words.before}`, `  after it: ${words.after}`]),
    `  state: ${words.state}`,
    `  way back: ${words.back}`,
    `  trial: ${words.health}`
  ]
}

/** §4: what signers take away from everybody, and how each goes on. */
function supersedingWords({ version, supersedes }: Descriptor): string {
  const list = supersedes.toReversed().join(', ')
  return `REPAIRS ${supersedes.length === 1 ? 'version' : 'versions'} ${list}: nobody upgrades to ${supersedes.length === 1 ? 'it' : 'them'} any more; who runs one goes on to version ${version} from there, who runs none skips them`
}

function startWords(upgrade: ClassUpgrade, { version, supersedes }: Descriptor): string {
  return supersedes.length === 0 ? '' : `, for peers that run version ${startOf(upgrade, version)}`
}

/** How carefully it begins, and what it asks of a machine (§2b). */
function beginning({ introduceOverMs = introduceOverMsDefault, future, needs }: ClassUpgrade): readonly string[] {
  const ramp =
    introduceOverMs === 0
      ? 'by all peers AT ONCE: nobody tries it first'
      : `peer by peer over ${duration(introduceOverMs)}, the first ones alone`
  const words = [
    ...(needs?.diskBytes === undefined ? [] : [`${Math.ceil(needs.diskBytes / 1024 ** 2)} MiB of free disk`]),
    ...(needs?.memoryMiB === undefined ? [] : [`${needs.memoryMiB} MiB of free memory`]),
    ...(needs?.platforms === undefined ? [] : [`one of the platforms ${needs.platforms.join(', ')}`]),
    ...(needs?.node === undefined ? [] : [`Node ${needs.node}`])
  ]
  return [
    ...(future === undefined ? [] : [`  introduced ${ramp}`]),
    ...(words.length === 0 ? [] : [`  needs ${words.join(', ')}`])
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

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
