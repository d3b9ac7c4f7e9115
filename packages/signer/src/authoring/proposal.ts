import {
  bundleId,
  descriptorHash,
  encodeDescriptor,
  InstarError,
  parseDescriptor,
  type Descriptor,
  type Manifest
} from '@instar/core'
import { canonicalBytes, field, isObject, type JsonObject } from '../metadata/canonical.js'
import type { Held, Signature } from '../metadata/document.js'
import type { TargetsMetadata } from '../metadata/targets.js'
import { trustedUpgrades } from '../trust/reading.js'
import type { TrustState } from '../trust/state.js'
import { defaultExpiry, toExpires, upgradeTargets, type Expiry } from './bodies.js'

/** A next revision of targets on its way to the threshold, with all that its signers need to judge it (§5). */
export interface Proposal {
  readonly format: 1
  readonly network: string
  /** The revision of targets that it follows; the hash is that of its canonical body. */
  readonly base: { readonly revision: number; readonly hash: string }
  /** The `signed` part of the next targets. */
  readonly targets: JsonObject
  readonly descriptor: Descriptor
  /** Of the bundles that the descriptor names. */
  readonly manifests: readonly Manifest[]
  readonly signatures: readonly Signature[]
}

/** What a proposal is made of. */
export interface ProposalInit {
  readonly trusted: TrustState
  readonly descriptor: Descriptor
  readonly manifests: readonly Manifest[]
  readonly nowMs: number
  readonly expiry?: Partial<Expiry>
}

/** The fields by which the next descriptor takes its place in the network's chain. */
export interface NextPlace {
  readonly network: string
  readonly version: number
  readonly previous: string
}

/** Where a descriptor has to stand that is built now. */
export function nextPlace({ network, named }: TrustState): NextPlace {
  return { network, version: named.run.length + 1, previous: named.run.at(-1)?.chainId ?? network }
}

/**
 * Proposes a descriptor as the network's next version, on the newest targets that are trusted here.
 *
 * @throws InstarError NotTrusted when this peer does not hold all versions before, ProposalConflict when the version is taken or the
 * network is forked, BadInput when descriptor and manifests do not fit
 */
export function createProposal(init: ProposalInit): Proposal {
  const { trusted, descriptor, manifests, nowMs } = init
  const base = baseOf(trusted)
  assertDescriptorFits(descriptor, trusted)
  assertManifestsFit(descriptor, manifests)
  const { targetsMs } = { ...defaultExpiry, ...init.expiry }
  return Object.freeze({
    format: 1,
    network: trusted.network,
    base: { revision: base.version, hash: base.bodyHash },
    targets: nextTargets(trusted, base, descriptor, toExpires(nowMs + targetsMs)),
    descriptor,
    manifests,
    signatures: []
  })
}

/** The same change on the newest targets, without signatures: they were over another body. @throws as {@link createProposal} */
export function rebaseProposal(
  proposal: Proposal,
  trusted: TrustState,
  nowMs: number,
  expiry: Partial<Expiry> = {}
): Proposal {
  const { descriptor, manifests } = proposal
  return createProposal({ trusted, descriptor, manifests, nowMs, expiry })
}

/** The newest targets. @throws InstarError NotTrusted */
export function baseOf(trusted: TrustState): Held<TargetsMetadata> {
  if (trusted.targets !== undefined) return trusted.targets
  throw new InstarError(
    'NotTrusted',
    'This peer holds no trusted targets to build on: let it catch up with the network first.'
  )
}

/**
 * The body that follows: everything that the base says, every entry that is known at all (a later revision contains all earlier ones,
 * §6), and the new one.
 */
export function nextTargets(
  trusted: TrustState,
  base: Held<TargetsMetadata>,
  descriptor: Descriptor,
  expires: string
): JsonObject {
  const before = field(base.signed, 'targets')
  const bytes = encodeDescriptor(descriptor)
  const added = [descriptor.version, { hash: descriptorHash(descriptor), byteLength: bytes.byteLength }] as const
  const known = trusted.named.run.map(each => [each.version, each] as const)
  const targets = { ...(isObject(before) ? before : {}), ...upgradeTargets([...known, added]) }
  return { ...base.signed, version: base.version + 1, expires, targets }
}

export function bodyOf(proposal: Proposal): Uint8Array {
  return canonicalBytes(proposal.targets)
}

/** @throws InstarError */
export function assertDescriptorFits(descriptor: Descriptor, trusted: TrustState): void {
  const { version } = descriptor
  const place = nextPlace(trusted)
  if (descriptor.network !== trusted.network)
    throw new InstarError('WrongNetwork', 'The descriptor is of another network.')
  const [fork] = trusted.named.forks
  if (fork !== undefined) {
    throw new InstarError(
      'ProposalConflict',
      `Version ${fork.version} is forked: nothing can follow before the root decides.`
    )
  }
  if (version < place.version) {
    throw new InstarError(
      'ProposalConflict',
      `Version ${version} exists already: build the upgrade as version ${place.version}.`,
      {
        detail: { version, next: place.version }
      }
    )
  }
  if (version > place.version) throw badDescriptor(`it skips to version ${version}, the next one is ${place.version}`)
  if (descriptor.previous !== place.previous)
    throw badDescriptor(`it follows another version ${version - 1} than this network's`)
  const parsed = parseDescriptor(encodeDescriptor(descriptor))
  if (parsed.verdict !== 'accept') throw badDescriptor(parsed.detail)
  assertClassesFit(descriptor, liveClasses(trusted))
}

function assertClassesFit(descriptor: Descriptor, live: ReadonlySet<string>): void {
  const left = new Set(live)
  for (const { oldClass } of descriptor.classes) {
    if (oldClass !== undefined && !left.delete(oldClass))
      throw badDescriptor(`it upgrades ${oldClass}, which the network does not have`)
  }
  const taken = descriptor.classes.find(each => left.has(each.newClass))
  if (taken !== undefined)
    throw badDescriptor(`it brings ${taken.newClass}, which the network has and it does not upgrade`)
}

/** Names of the classes at the newest version. */
function liveClasses(trusted: TrustState): ReadonlySet<string> {
  const upgrades = trustedUpgrades(trusted)
  if (upgrades.length < trusted.named.run.length) {
    throw new InstarError(
      'NotTrusted',
      `The descriptor of version ${upgrades.length + 1} has not arrived here yet: let this peer catch up with the network first.`
    )
  }
  const live = new Set<string>()
  for (const { descriptorBytes } of upgrades) {
    const parsed = parseDescriptor(descriptorBytes)
    if (parsed.verdict !== 'accept') continue
    for (const { oldClass } of parsed.value.classes) if (oldClass !== undefined) live.delete(oldClass)
    for (const { newClass } of parsed.value.classes) live.add(newClass)
  }
  return live
}

/** @throws InstarError BadInput unless there is exactly one manifest for each bundle, and it has the entries that are named */
export function assertManifestsFit(descriptor: Descriptor, manifests: readonly Manifest[]): void {
  const byId = new Map(manifests.map(each => [bundleId(each), each]))
  for (const { newClass, bundle, entry } of descriptor.classes) {
    const manifest = byId.get(bundle)
    if (manifest === undefined)
      throw badDescriptor(`the manifest of the bundle of ${newClass} (${bundle.slice(0, 8)}) is missing`)
    if (!manifest.files.some(file => file.path === entry))
      throw badDescriptor(`the bundle of ${newClass} has no file ${entry}`)
  }
  const named = new Set(descriptor.classes.map(each => each.bundle))
  if (byId.size !== named.size || byId.size !== manifests.length)
    throw badDescriptor('there are manifests that it does not name')
}

function badDescriptor(flaw: string): InstarError {
  return new InstarError('BadInput', `The descriptor cannot be proposed: ${flaw}.`)
}
