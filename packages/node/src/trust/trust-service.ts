import type { Descriptor, Verdict } from '@instar/core'
import type { Logger } from 'pino'
import type { StoredDescriptor, StoredTrust } from '../store/store.js'

/** What the trust documents say, for the engine. Versions come in order 1 … n, each once, after a restart again. */
export type TrustFact =
  | {
      readonly type: 'versionTrusted'
      readonly version: number
      readonly chainId: string
      readonly descriptorHash: string
      readonly descriptor: Descriptor
    }
  | { readonly type: 'freshUntil'; readonly untilMs: number }
  | { readonly type: 'forked'; readonly version: number; readonly detail: string }

/** A version that trusted targets name and whose descriptor is not here yet. */
export interface MissingDescriptor {
  readonly version: number
  readonly hash: string
  readonly bytes: number
}

export interface TrustServiceInit {
  readonly network: string
  /** The first root of the network; needed once, later the store has it. Its hash must be the network id. */
  readonly root?: Uint8Array
  readonly store: {
    readTrust(): Promise<StoredTrust | undefined>
    writeTrust(trust: StoredTrust): Promise<void>
    readDescriptor(hash: string): Promise<StoredDescriptor | undefined>
    writeDescriptor(descriptor: StoredDescriptor): Promise<void>
  }
  readonly now?: () => number
  readonly log: Logger
  onFact(fact: TrustFact): void
}

/** The one place where trust documents and descriptors enter a peer, wherever they come from (§5). */
export interface TrustService {
  /** Restores the trusted set, and emits its facts. @throws InstarError WrongNetwork, DataDirectoryDamaged */
  start(): Promise<void>
  /** Verifies, stores (one synced batch), then emits facts. One at a time, in order of the calls. */
  submit(document: Uint8Array, from: string): Promise<Verdict<{ readonly changed: boolean }>>
  /** Takes a descriptor whose hash and length equal a trusted entry `upgrades/n` (R19), and no other. */
  submitDescriptor(bytes: Uint8Array, from: string): Promise<Verdict<Descriptor>>
  /** The network's version here: the largest n of which 1 … n are trusted and their descriptors held. */
  newest(): { readonly version: number; readonly chainId: string } | undefined
  descriptor(version: number): StoredDescriptor | undefined
  missingDescriptors(): readonly MissingDescriptor[]
  freshUntilMs(): number | undefined
  /** Opaque summary of the documents held, for {@link documentsAhead} at another peer. */
  heads(): TrustHeads
  /** The documents that a peer with these heads lacks, root chain first. */
  documentsAhead(theirs: TrustHeads): readonly Uint8Array[]
  /** Runs after each change of what is trusted. */
  onChange(listener: () => void): () => void
}

/** Refined by the signer's `Heads`. */
export type TrustHeads = unknown
