import {
  appendVersion,
  bundleBytes,
  bundleId,
  canRun,
  canStand,
  findLineage,
  InstarError,
  startOf,
  upgradeAt,
  upgradeWords,
  type ClassUpgrade,
  type Descriptor,
  type Lineage,
  type SimulationModel,
  type UpgradeWords,
  type VersionLog
} from '@instar/core'
import type { PeerStatus } from '@instar/node/control'
import type { UpgradeChange } from '@instar/signer'
import { toWords } from '../options/duration.js'

/** What a version would do, as far as one peer of the network can tell now. */
export interface UpgradePlan {
  readonly version: number
  readonly title: string
  readonly classes: readonly ClassPlan[]
  readonly peers: readonly PeerPlan[]
  /** What the state of the asked peer takes now: a second one needs about as much. Absent where it is not known. */
  readonly stateBytes?: number
  /** What stands in the way everywhere. */
  readonly blockers: readonly string[]
}

export interface ClassPlan extends UpgradeWords {
  readonly oldClass?: string
  readonly newClass: string
  /** Of a version that supersedes others: the version that its peers run before. */
  readonly from?: number
  readonly bundle: string
  readonly bundleBytes: number
  /** What the change takes of the disk, besides the bundle. */
  readonly disk: string
}

export interface PeerPlan {
  readonly peer: string
  readonly class: string
  readonly running: number
  /** A peer whose class has no upgrade only takes the new number. */
  readonly will: 'upgrade' | 'renumber'
  /** Lowest and highest version that it will serve before its own upgrade, and after it. */
  readonly servesBefore: readonly [low: number, high: number]
  readonly servesAfter: readonly [low: number, high: number]
  /** What stands in its way now. */
  readonly blockers: readonly string[]
}

/**
 * @param known the descriptors of the network's versions, in order; the upgrade may be published already
 * @throws InstarError ProposalOutdated when it does not follow them
 */
export function planUpgrade(
  { descriptor, manifests }: UpgradeChange,
  known: readonly Descriptor[],
  status: PeerStatus
): UpgradePlan {
  const log = appendVersion(logBefore(descriptor, known), descriptor)
  const sizes = new Map(manifests.map(each => [bundleId(each), bundleBytes(each)]))
  const self: Known = { ...status, running: status.running.version, reachable: true, lastHeardMs: 0 }
  // What strangers announce counts nowhere (R21).
  const others = status.peers.filter(each => each.admitted)
  return {
    version: descriptor.version,
    title: descriptor.title,
    classes: descriptor.classes.map(each => ({
      ...(each.oldClass === undefined ? {} : { oldClass: each.oldClass }),
      newClass: each.newClass,
      ...(descriptor.supersedes.length === 0 ? {} : { from: startOf(each, descriptor.version) }),
      bundle: each.bundle,
      bundleBytes: sizes.get(each.bundle) ?? 0,
      disk: diskWords(each),
      ...upgradeWords(each, {
        old: `version ${startOf(each, descriptor.version)}`,
        new: `version ${descriptor.version}`
      })
    })),
    peers: (status.joined ? [self, ...others] : others).map(each => planPeer(each, log, descriptor)),
    ...(status.host.stateBytes === undefined ? {} : { stateBytes: status.host.stateBytes }),
    blockers: blockersOfAll(status)
  }
}

function logBefore({ version, network, previous }: Descriptor, known: readonly Descriptor[]): VersionLog {
  const log = known.slice(0, version - 1).reduce<VersionLog>(appendVersion, [])
  if (log.length === version - 1 && (log.at(-1)?.chainId ?? network) === previous) return log
  throw new InstarError(
    'ProposalOutdated',
    `The proposal is version ${version} of another history than this peer's, which knows ${known.length} versions: build it anew.`
  )
}

type Known = Pick<
  PeerStatus['peers'][number],
  'peer' | 'class' | 'running' | 'served' | 'reachable' | 'lastHeardMs' | 'instar'
> & {
  readonly versions: ReadonlyArray<
    Pick<PeerStatus['versions'][number], 'version' | 'phase' | 'reason'> & { held?: boolean }
  >
}

function planPeer(peer: Known, log: VersionLog, { version, runtime, supersedes }: Descriptor): PeerPlan {
  const found = findLineage(log, peer.class, peer.running)
  const lineage = found === undefined ? undefined : { ...found, ran: [peer.running] }
  const upgrade = lineage === undefined ? undefined : upgradeAt(log, lineage, version)
  const low = peer.served?.[0] ?? peer.running
  const first = [...rangeOf(peer.running + 1, version - 1)].filter(each => !supersedes.includes(each))
  const blockers = [
    ...(peer.reachable ? [] : [`not heard of for ${toWords(peer.lastHeardMs)}`]),
    ...(canRun(runtime, peer.instar) ? [] : [`it runs Instar ${peer.instar}, the upgrade needs ${runtime}`]),
    ...first.map(each => comesFirst(each, peer))
  ]
  const { peer: id, class: className, running } = peer
  const place = { peer: id, class: className, running }
  if (lineage === undefined || upgrade === undefined)
    return { ...place, will: 'renumber', servesBefore: [low, version], servesAfter: [low, version], blockers }
  const high = servedBefore(log, lineage, { upgrade, version, running, low, first })
  const keepsOld = upgrade.compatible || upgrade.past !== undefined
  return {
    ...place,
    will: 'upgrade',
    servesBefore: [low, high],
    servesAfter: [keepsOld ? low : version, version],
    blockers
  }
}

interface Place {
  readonly upgrade: ClassUpgrade
  readonly version: number
  readonly running: number
  readonly low: number
  /** The versions in between, which come first. */
  readonly first: readonly number[]
}

/** The highest version that a peer serves before it upgrades to any: each future simulation object stands on those below it (§7). */
function servedBefore(log: VersionLog, lineage: Lineage, { version, running, low, first }: Place): number {
  const across = [...rangeOf(low + 1, running)]
    .reverse()
    .flatMap(each => modelOf(upgradeAt(log, lineage, each), 'past') ?? [])
  const inner: SimulationModel[] = []
  let high = running
  for (const each of [...first, version]) {
    const upgrade = upgradeAt(log, lineage, each)
    const model = modelOf(upgrade, 'future')
    const changesContract = upgrade !== undefined && !upgrade.compatible
    if (changesContract && (model === undefined || !canStand(model, inner, across))) return high
    if (model !== undefined) inner.push(model)
    high = each
  }
  return high
}

function modelOf(upgrade: ClassUpgrade | undefined, side: 'past' | 'future'): SimulationModel | undefined {
  return upgrade === undefined || upgrade.compatible ? undefined : upgrade[side]
}

function comesFirst(version: number, { versions }: Known): string {
  const at = versions.find(each => each.version === version)
  const held = at?.held === true ? ', held' : ''
  const reason = at?.reason === undefined ? '' : `: ${at.reason}`
  return `version ${version} comes first (${at?.phase ?? 'not known there yet'}${held}${reason})`
}

function blockersOfAll({ trust, problems }: PeerStatus): readonly string[] {
  const forks = trust.forks.map(each => `version ${each} has two valid descriptors: nothing goes past it (R20)`)
  return [...forks, ...(trust.fresh ? [] : ['the trust metadata are stale: nothing new starts']), ...problems]
}

function diskWords({ transform, back }: ClassUpgrade): string {
  const words: Readonly<Record<ClassUpgrade['transform'], string>> = {
    none: back === 'copy' ? 'a copy of the state, until the upgrade is committed' : 'nothing more',
    whole: `a second state beside the old one, ${back === 'none' ? 'until it is switched' : 'until the upgrade is committed'}`,
    entries: `a second state beside the old one, from before the upgrade ${back === 'none' ? 'until it is switched' : 'until it is committed'}`,
    mapping: 'a second state beside the old one, until the old version is retired'
  }
  return words[transform]
}

function* rangeOf(from: number, to: number): Generator<number> {
  for (let each = from; each <= to; each++) yield each
}
