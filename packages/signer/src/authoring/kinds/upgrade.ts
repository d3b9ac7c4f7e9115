import {
  appendVersion,
  bundleId,
  classesAt,
  descriptorHash,
  encodeDescriptor,
  encodeManifest,
  flawInHistory,
  InstarError,
  parseDescriptor,
  parseManifest,
  startOf,
  startsOf,
  type Descriptor,
  type Manifest,
  type Verdict,
  type VersionLog
} from '@instar/core'
import { z } from 'zod'
import { field, isObject, type JsonObject } from '../../metadata/canonical.js'
import { trustedUpgrades } from '../../trust/reading.js'
import type { TrustState } from '../../trust/state.js'
import { upgradeTargets } from '../bodies.js'
import { mustFollow, notProposed, type Frame, type BodyRules } from '../register.js'

/** A descriptor as the network's next version, and the manifests of the bundles that it names. */
export interface UpgradeChange {
  readonly descriptor: Descriptor
  readonly manifests: readonly Manifest[]
}

/** The fields by which the next descriptor takes its place in the network's chain. */
export interface NextPlace {
  readonly network: string
  readonly version: number
  readonly previous: string
}

const manifestsMax = 64

export const upgradeKind: BodyRules<UpgradeChange> = {
  role: 'targets',
  next: nextTargets,
  parse: parseUpgrade
}

/** Where a descriptor has to stand that is built now. */
export function nextPlace({ network, named }: TrustState): NextPlace {
  return { network, version: named.run.length + 1, previous: named.run.at(-1)?.chainId ?? network }
}

/**
 * Everything that the base says, every entry that is known at all (a later revision contains all earlier ones, §6), and the new one.
 *
 * @throws InstarError NotTrusted when this peer does not hold all versions before, ProposalConflict when the version is taken or the
 * network is forked, BadInput when descriptor and manifests do not fit
 */
function nextTargets(trusted: TrustState, change: UpgradeChange, { base, version, expires }: Frame): JsonObject {
  if (base === undefined) throw mustFollow('targets')
  const { descriptor, manifests } = change
  assertDescriptorFits(descriptor, trusted)
  assertManifestsFit(descriptor, manifests)
  const bytes = encodeDescriptor(descriptor)
  const added = [descriptor.version, { hash: descriptorHash(descriptor), byteLength: bytes.byteLength }] as const
  return {
    ...base.signed,
    version,
    expires,
    targets: { ...knownTargets(trusted, base.signed), ...upgradeTargets([added]) }
  }
}

/** What a revision says, and every entry of the run that it lacks. */
export function knownTargets(trusted: TrustState, signed: JsonObject): JsonObject {
  const before = field(signed, 'targets')
  const known = trusted.named.run.map(each => [each.version, each] as const)
  return { ...(isObject(before) ? before : {}), ...upgradeTargets(known) }
}

function assertDescriptorFits(descriptor: Descriptor, trusted: TrustState): void {
  const { version } = descriptor
  const place = nextPlace(trusted)
  if (descriptor.network !== trusted.network)
    throw new InstarError('WrongNetwork', 'The descriptor is of another network.')
  const [fork] = trusted.named.forks
  if (fork !== undefined) {
    throw new InstarError(
      'ProposalConflict',
      `Version ${fork.version} is forked: nothing can follow before the root decides (instar network resolve ${fork.version}).`
    )
  }
  if (version < place.version) {
    throw new InstarError(
      'ProposalConflict',
      `Version ${version} exists already: build the upgrade as version ${place.version}.`,
      { detail: { version, next: place.version } }
    )
  }
  if (version > place.version)
    throw notProposed(`its descriptor skips to version ${version}, the next one is ${place.version}`)
  if (descriptor.previous !== place.previous)
    throw notProposed(`its descriptor follows another version ${version - 1} than this network's`)
  accepted(parseDescriptor(encodeDescriptor(descriptor)))
  const log = trustedLog(trusted)
  const flaw = flawInHistory(log, descriptor)
  if (flaw !== undefined) throw notProposed(flaw)
  for (const start of startsOf(descriptor)) assertClassesFit(descriptor, start, log)
}

function assertClassesFit({ version, classes }: Descriptor, start: number, log: VersionLog): void {
  const left = new Set(classesAt(log, start).keys())
  const here = classes.filter(each => startOf(each, version) === start)
  const at = start === version - 1 ? 'the network' : `version ${start}`
  for (const { oldClass } of here) {
    if (oldClass !== undefined && !left.delete(oldClass))
      throw notProposed(`it upgrades ${oldClass}, which ${at} does not have`)
  }
  const taken = here.find(each => left.has(each.newClass))
  if (taken !== undefined) throw notProposed(`it brings ${taken.newClass}, which ${at} has and it does not upgrade`)
}

/** The network's versions. */
function trustedLog(trusted: TrustState): VersionLog {
  const upgrades = trustedUpgrades(trusted)
  if (upgrades.length < trusted.named.run.length) {
    throw new InstarError(
      'NotTrusted',
      `The descriptor of version ${upgrades.length + 1} has not arrived here yet: let this peer catch up with the network first.`
    )
  }
  return upgrades.reduce<VersionLog>((log, { descriptorBytes }) => {
    const parsed = parseDescriptor(descriptorBytes)
    return parsed.verdict === 'accept' ? appendVersion(log, parsed.value) : log
  }, [])
}

/** @throws InstarError BadInput unless there is exactly one manifest for each bundle, and it has the entries that are named */
function assertManifestsFit(descriptor: Descriptor, manifests: readonly Manifest[]): void {
  const byId = new Map(manifests.map(each => [bundleId(each), each]))
  for (const { newClass, bundle, entry } of descriptor.classes) {
    const manifest = byId.get(bundle)
    if (manifest === undefined)
      throw notProposed(`the manifest of the bundle of ${newClass} (${bundle.slice(0, 8)}) is missing`)
    if (!manifest.files.some(file => file.path === entry))
      throw notProposed(`the bundle of ${newClass} has no file ${entry}`)
  }
  const named = new Set(descriptor.classes.map(each => each.bundle))
  if (byId.size !== named.size || byId.size !== manifests.length)
    throw notProposed('there are manifests that its descriptor does not name')
}

const changeSchema = z.strictObject({
  descriptor: z.record(z.string(), z.unknown()),
  manifests: z.array(z.unknown()).max(manifestsMax)
})

function parseUpgrade(value: unknown): UpgradeChange {
  const { descriptor, manifests } = changeSchema.parse(value)
  const change = {
    descriptor: accepted(parseDescriptor(encodeDescriptor(descriptor as unknown as Descriptor))),
    manifests: manifests.map(each => accepted(parseManifest(encodeManifest(each as Manifest))))
  }
  assertManifestsFit(change.descriptor, change.manifests)
  return change
}

function accepted<T>(verdict: Verdict<T>): T {
  if (verdict.verdict === 'accept') return verdict.value
  throw notProposed(`its descriptor or a manifest is malformed, ${verdict.detail}`)
}
