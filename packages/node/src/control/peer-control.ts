import type { Json } from '@instar/core'
import type { ServedContract } from '@instar/simulator-runtime/codec'
import type { ShownRule } from '../policy/shown-policy.js'
import type { StateRehearsalReport } from '../host/rehearse-state.js'
import type { PeerEvent } from './schema/events.js'
import type { PolicyChange } from './schema/policy.js'
import type { CertificateStatus, PeerStatus } from './schema/status.js'
import type { Why } from './schema/why.js'

/**
 * What the control API may ask of a peer. Implemented by the peer, handed to {@link createControlServer}; nothing else of the peer is
 * visible from outside its process.
 *
 * Failures are thrown as `InstarError` (or `CallError` by `call`) and reach the caller as they are. A `signal` fires when the caller
 * has gone or its time is over.
 */
export interface PeerControl {
  /** Everything that people see, as it is now. Cheap: it is asked for after every change that someone watches. */
  status(): PeerStatus

  /** @throws InstarError `BadInput` for a peer that is not known here */
  why(peer?: string): Why

  /** What the schedule `manual` waits for. With `now` the schedule gate opens, whatever schedule or window it waits for (§1: that gate only).
   * @throws InstarError `BadInput` for `now` against a hold or a highest version */
  approve(version: number, options?: { readonly now?: boolean }): Promise<void>

  /** Closes the schedule gate, also past the deadline, of one version or of all; on disk before it resolves. */
  hold(target: HoldTarget): Promise<void>
  resume(target: HoldTarget): Promise<void>

  /** The local policy as it holds now, rule by rule. */
  policy(): readonly ShownRule[]

  /** What the operator says at run time; on disk before it resolves. */
  changePolicy(change: PolicyChange): Promise<readonly ShownRule[]>

  /** @throws InstarError `BadInput` when the host is not parked */
  unpark(): Promise<void>

  /** Sends the trial of a version back. @throws InstarError `BadInput` where it is not on trial here, or has no way back */
  goBack(version: number): Promise<void>

  /**
   * Tries the upgrade to a version, or to the next one, on a copy of the state (R13). What it comes to counts as if the peer had tried it
   * by itself. `signal` ends it, unless the peer is at it anyway.
   *
   * @throws InstarError `BadInput` when there is nothing to try now; whatever the upgrade fails with; `Stopped`, `DiskFull`
   */
  rehearse(version: number | undefined, signal: AbortSignal): Promise<RehearsalReport>

  /**
   * Removes what nothing needs any more, now; `dryRun` only says what that would be.
   *
   * @throws InstarError `BadInput` while nothing can be cleaned, for one because the host is being switched
   */
  collectGarbage(options: { readonly dryRun: boolean }, signal: AbortSignal): Promise<GarbageReport>

  /** Judges documents exactly as if a neighbour had sent them: what verifies is stored and relayed (R19). Never throws for bad bytes. */
  submit(submission: Submission): Promise<readonly DocumentVerdict[]>

  /**
   * Compares with every connected peer now and takes over what it lacks, so that nobody builds on, or publishes beside, what others
   * know already. One entry for each of them.
   */
  catchUp(signal: AbortSignal): Promise<readonly NeighbourHeads[]>

  /**
   * Takes an admission certificate (§5): this peer's own is kept and shown from now on, another one goes to its peer, at once or when the
   * two meet. @throws InstarError `BadInput`, `NotTrusted` for one that nobody would take
   */
  submitCertificate(bytes: Uint8Array): Promise<CertificateAnswer>

  /** What this peer trusts, for a tool that builds the next proposal on it. */
  trustDocuments(): Promise<TrustDocuments>

  /** What this peer says of itself and has heard of others that count, the most recent first, to be carried to where no network is. */
  announcements(): Promise<readonly CarriedAnnouncement[]>

  /** Judges announcements as if a neighbour had passed them on (§13). Never throws for bad bytes. */
  hear(announcements: readonly CarriedAnnouncement[]): Promise<readonly DocumentVerdict[]>

  /** Which files of a bundle are complete and verified here. */
  bundle(id: string): Promise<BundleState>

  /** Begins or continues the upload of a bundle. @throws InstarError `BundleInvalid` when the bytes are not the manifest that `id` names */
  putManifest(id: string, manifest: Uint8Array): Promise<BundleState>

  /**
   * One file of a bundle whose manifest is here, verified chunk by chunk while it arrives (R19). Sending a file that is here already
   * is answered without reading it. @throws InstarError `BundleInvalid` for bytes that the manifest does not name
   */
  putFile(id: string, path: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<BundleState>

  /** One string with which another peer can join: network id, trust root hash, addresses. */
  ticket(): string

  /** Calls an object of the network on behalf of the operator, with the retries of the client (§12). */
  call(request: CallRequest, signal: AbortSignal): Promise<CallAnswer>

  /** What one version's contract is at one peer, and which methods are disallowed there (R8). @throws CallError */
  contract(request: ContractRequest, signal: AbortSignal): Promise<DescribedContract>

  /** What the peer counts, as Prometheus reads it. */
  metrics(): Promise<string>

  /** The last lines of the peer's log, oldest first. */
  log(linesMax: number): Promise<readonly string[]>

  /** Begins a clean stop. The answer to the caller goes out first: this must return before connections are cut. */
  stop(): void

  /**
   * Tells every event from now on, until the returned function is called; without an event where something in the status has changed
   * that is none. The listener does not throw.
   */
  subscribe(listener: (event?: PeerEvent) => void): () => void
}

/** What a rehearsal has shown of an upgrade. */
export type RehearsalReport = StateRehearsalReport & { readonly version: number }

/** What was removed, or would be; what will go by itself; and what stays. */
export interface GarbageReport {
  readonly dryRun: boolean
  readonly removed: readonly Garbage[]
  readonly later: ReadonlyArray<Garbage & { readonly from: string }>
  readonly kept: readonly Garbage[]
  readonly failed: readonly Garbage[]
}

export interface Garbage {
  readonly kind: 'bundle' | 'state' | 'file'
  /** A bundle's id; a state's version and since when it is not the object's; a path within the data directory; or how many there are. */
  readonly name: string
  readonly bytes: number
  /** For people, without a full stop. */
  readonly because: string
}

export type HoldTarget = number | 'all'

export interface Submission {
  /** TUF metadata, in any order. */
  readonly documents: readonly Uint8Array[]
  readonly descriptor?: Uint8Array
}

/** A peer's signed statement, and how long ago its newest was heard, as far as whoever brings it says so (§13). */
export interface CarriedAnnouncement {
  readonly envelope: Uint8Array
  readonly ageMs: number
}

/** One per document in the order in which they were submitted, the descriptor last; or one per announcement. */
export interface DocumentVerdict {
  /** For people: `targets 3`, `descriptor of version 2`, or `document 1` where it could not be read. */
  readonly document: string
  readonly verdict: 'accept' | 'ignore' | 'reject'
  readonly code?: string | undefined
  readonly detail?: string | undefined
}

/** What a connected peer said that it holds. */
export interface NeighbourHeads {
  readonly peer: string
  /** By role: the newest document, with the hash of its canonical body. Absent when the peer did not answer. */
  readonly heads?: Readonly<Record<string, { readonly version: number; readonly hash: string }>>
  /** Why it did not, for people. */
  readonly failure?: string
}

export interface TrustDocuments {
  /** Root chain first, ascending; then timestamp, snapshot, targets and what they delegate to: the order in which they verify. */
  readonly documents: readonly Uint8Array[]
  /** Trusted descriptors of all versions, ascending from 1. */
  readonly descriptors: readonly Uint8Array[]
}

export interface CertificateAnswer {
  /** Whom it admits. */
  readonly peer: string
  readonly certificate: CertificateStatus
  /** `kept`: it is of the asked peer. `handedOver`: its peer was given it. `waits`: it goes to its peer when the two meet. */
  readonly outcome: 'kept' | 'handedOver' | 'waits'
}

export interface BundleState {
  readonly id: string
  readonly complete: boolean
  /** Paths of the files that are still missing; empty and not complete: the manifest is missing. */
  readonly missing: readonly string[]
}

export interface CallRequest {
  /** Absent: the asked peer itself, or any live peer of `class` when that is given. */
  readonly peer?: string | undefined
  /** Absent: the class that the called peer runs. */
  readonly class?: string | undefined
  /** Absent: the version that the asked peer runs. */
  readonly version?: number | undefined
  readonly method: string
  readonly args: readonly Json[]
  readonly timeoutMs: number
}

export type ContractRequest = Omit<CallRequest, 'method' | 'args'>

export interface DescribedContract extends ServedContract {
  /** Who was asked. */
  readonly peer: string
}

export interface CallAnswer {
  readonly result: Json
  readonly peer: string
  readonly version: number
  readonly durationMs: number
}
