import type { AdmissionMetadata } from '../metadata/admission.js'
import type { HaltMetadata } from '../metadata/halt.js'
import type { Decision, RootMetadata } from '../metadata/root.js'
import type { SnapshotMetadata } from '../metadata/snapshot.js'
import type { TargetsMetadata } from '../metadata/targets.js'
import type { TimestampMetadata } from '../metadata/timestamp.js'
import type { Held, MetadataRole } from '../metadata/document.js'

/**
 * Everything that one peer has verified for one network. Immutable, a plain value; opaque outside this package: read it through
 * the functions beside it.
 */
export interface TrustState {
  readonly network: string
  /** Root 1 to n: each was verified by the one before it. Empty before root 1 is known. */
  readonly roots: readonly Held<RootMetadata>[]
  /** The highest revision that verifies under the newest root; a monotone register (§5). */
  readonly targets: Held<TargetsMetadata> | undefined
  /** Other verified revisions that name an upgrade which the register lacks or names otherwise, or share its number (R20). */
  readonly witnesses: readonly Held<TargetsMetadata>[]
  /**
   * The highest halt document that verifies under the targets, and others that have the word on a version. While there are no targets,
   * those that were held wait here for the next.
   */
  readonly halt: Held<HaltMetadata> | undefined
  readonly haltWitnesses: readonly Held<HaltMetadata>[]
  /** The highest admission document likewise, and its twin. */
  readonly admission: Held<AdmissionMetadata> | undefined
  readonly admissionWitnesses: readonly Held<AdmissionMetadata>[]
  readonly snapshot: Held<SnapshotMetadata> | undefined
  /** Vouches for the snapshot that is held. */
  readonly timestamp: Held<TimestampMetadata> | undefined
  /** Names a snapshot that is not here yet. */
  readonly timestampAhead: Held<TimestampMetadata> | undefined
  /**
   * Descriptors that trusted targets named, by hash; they count only where they are named now. They stay when a rotation drops the
   * targets: the next ones name them again, and by then their author may be gone.
   */
  readonly descriptors: ReadonlyMap<string, HeldDescriptor>
  /** What the witnesses and the register name together, see `named.ts`. */
  readonly named: NamedUpgrades
}

export interface HeldDescriptor {
  readonly version: number
  /** Chain id of the version before, as the descriptor says it. */
  readonly previous: string
  readonly hash: string
  readonly bytes: Uint8Array
}

/** The upgrades that trusted targets name. */
export interface NamedUpgrades {
  /** The gapless run from 1: the network's version is its length (§6). At a fork the entry that this peer saw first. */
  readonly run: readonly NamedUpgrade[]
  readonly forks: readonly Fork[]
  /** Those of the newest root, under which the run and the forks were found. */
  readonly decisions: ReadonlyMap<number, Decision>
}

/** A version as trusted targets name it, whether or not its descriptor is here. */
export interface NamedUpgrade {
  readonly version: number
  readonly hash: string
  readonly byteLength: number
  readonly chainId: string
}

/** Two descriptors that authors signed for one version, and the root has not decided (R20). */
export interface Fork {
  readonly version: number
  /** sha-256 of the two descriptors, ascending. */
  readonly hashes: readonly [string, string]
}

/** What this state lets the peer do that the one before did not. */
export type TrustFact =
  | {
      readonly fact: 'versionTrusted'
      readonly version: number
      readonly descriptorHash: string
      readonly descriptorBytes: Uint8Array
    }
  | { readonly fact: 'freshUntil'; readonly untilMs: number }
  | { readonly fact: 'forked'; readonly version: number; readonly hashes: readonly [string, string] }
  | { readonly fact: 'rootRotated'; readonly version: number }
  /** The root's word on a version: the hash of the descriptor that counts, or `none` (§6). */
  | { readonly fact: 'decided'; readonly version: number; readonly keep: Decision }
  /** Acts at once, on stale metadata too (§4). */
  | { readonly fact: 'halted'; readonly version: number; readonly unload: boolean; readonly reason: string }
  | { readonly fact: 'resumed'; readonly version: number }
  /** Policy, revocations, groups, or the keys that admit: whoever was judged by them is judged anew. */
  | { readonly fact: 'admissionChanged' }

/** What a document that peers exchange can be. */
export type DocumentRole = MetadataRole | 'descriptor'

/** Which document some bytes claim to be. */
export interface DocumentInfo {
  readonly role: DocumentRole
  /** Of a descriptor: the version that it defines. */
  readonly version: number
  /** sha-256 of the document as it is stored and relayed (see {@link documentsOf}), which names it in the store. */
  readonly hash: string
  /** `evidence`: kept and relayed because it contradicts what is trusted (R20); nothing was replaced. */
  readonly as: 'trusted' | 'evidence'
  /** Expired when it was judged: reported, hides nothing (§5). */
  readonly expired: boolean
}

const nothing: NamedUpgrades = Object.freeze({ run: [], forks: [], decisions: new Map() })

/** Trust in a network of which only the id is known: everything follows from it, root 1 first. */
export function emptyTrust(network: string): TrustState {
  return Object.freeze({
    network,
    roots: [],
    targets: undefined,
    witnesses: [],
    halt: undefined,
    haltWitnesses: [],
    admission: undefined,
    admissionWitnesses: [],
    snapshot: undefined,
    timestamp: undefined,
    timestampAhead: undefined,
    descriptors: new Map(),
    named: nothing
  })
}
