import { parseDescriptor, type Descriptor } from '@instar/core'
import {
  decisionsOf,
  freshUntilMs,
  haltsOf,
  type NamedUpgrade,
  type TrustFact as SignerFact,
  type TrustState
} from '@instar/signer'
import type { Logger } from 'pino'

/**
 * What the trust documents say, for the engine. Versions come in order 1 … n, each once, after a restart again; where the network takes another
 * turn at a version, they come again from there on.
 */
export type TrustFact =
  | {
      readonly type: 'versionTrusted'
      readonly version: number
      readonly chainId: string
      readonly descriptorHash: string
      readonly descriptor: Descriptor
    }
  /** By the wall clock; 0 when nothing vouches for what is held. */
  | { readonly type: 'freshUntil'; readonly untilMs: number }
  /** Two descriptors are signed for one version: nothing starts there (R20). */
  | { readonly type: 'forked'; readonly version: number; readonly hashes: readonly [string, string] }
  /** The root's word on a version: the hash of the descriptor that counts, or `none` (§6). */
  | { readonly type: 'decided'; readonly version: number; readonly keep: string }
  /** Acts on receipt, on stale metadata too (§4). */
  | { readonly type: 'halted'; readonly version: number; readonly unload: boolean; readonly reason: string }
  /** `order` names what ended the halt: told again after a restart, it is heeded once. */
  | { readonly type: 'resumed'; readonly version: number; readonly order: string }
  /** The evidence of a fork does not count any more, and nobody had to decide: who signed it has lost the keys. */
  | { readonly type: 'unforked'; readonly version: number }
  /** Ask `admissionOf(state())` again. */
  | { readonly type: 'admissionChanged' }

interface TrustNewsInit {
  readonly network: string
  readonly log: Logger
  readonly onFact: (fact: TrustFact) => void
}

/** Tells the engine what is trusted: everything at the start, and after that what each document has changed. */
export class TrustNews {
  /** What was told of the network's history, from version 1 on. */
  private told: { readonly version: number; readonly chainId: string }[] = []
  private freshUntil = 0

  constructor(private readonly init: TrustNewsInit) {}

  /** The newest version that was told; before version 1: 0 and the network id. */
  newest(): { readonly version: number; readonly chainId: string } {
    return this.told.at(-1) ?? { version: 0, chainId: this.init.network }
  }

  /** After a restart. What stops comes before the versions that it stops. */
  tellAll(state: TrustState): void {
    const { init } = this
    for (const { version, hashes } of state.named.forks) init.onFact({ type: 'forked', version, hashes })
    for (const [version, keep] of decisionsOf(state)) init.onFact({ type: 'decided', version, keep })
    for (const { version, order, unload, reason, at } of haltsOf(state).values()) {
      if (order === 'halt') init.onFact({ type: 'halted', version, unload, reason })
      else init.onFact({ type: 'resumed', version, order: at })
    }
    init.onFact({ type: 'admissionChanged' })
    this.tellVersions(state)
    this.tellFreshness(state)
  }

  /** Versions and freshness are told by what is trusted now: in order, and each only once. */
  tell(facts: readonly SignerFact[], before: TrustState, state: TrustState): void {
    const { init } = this
    const late: TrustFact[] = []
    for (const fact of facts) {
      switch (fact.fact) {
        case 'forked':
          init.onFact({ type: 'forked', version: fact.version, hashes: fact.hashes })
          break
        case 'decided':
          init.onFact({ type: 'decided', version: fact.version, keep: fact.keep })
          break
        case 'halted':
          init.onFact({ type: 'halted', version: fact.version, unload: fact.unload, reason: fact.reason })
          break
        case 'resumed':
          late.push({ type: 'resumed', version: fact.version, order: whatResumed(state, fact.version) })
          break
        case 'admissionChanged':
          late.push({ type: 'admissionChanged' })
          break
        case 'rootRotated':
        case 'versionTrusted':
        case 'freshUntil':
          break
      }
    }
    for (const { version } of before.named.forks) {
      const { forks, decisions } = state.named
      if (!decisions.has(version) && !forks.some(each => each.version === version))
        init.onFact({ type: 'unforked', version })
    }
    this.tellVersions(state)
    for (const fact of late) init.onFact(fact)
    this.tellFreshness(state)
  }

  /** In order, without a gap: a descriptor that comes early waits for those before it. */
  private tellVersions(state: TrustState): void {
    const { run, decisions } = state.named
    const turn = this.told.findIndex(({ chainId }, i) => run[i]?.chainId !== chainId)
    // A run that is only shorter names nothing else: what a rotation has dropped may come back. What the root has decided against does not.
    if (turn >= 0 && (run[turn] !== undefined || decisions.has(turn + 1))) this.told = this.told.slice(0, turn)
    for (const named of run.slice(this.told.length)) {
      const bytes = state.descriptors.get(named.hash)?.bytes
      if (bytes === undefined) return
      const parsed = parseDescriptor(bytes)
      const flaw = parsed.verdict === 'accept' ? this.flawOf(parsed.value, named) : parsed.detail
      if (parsed.verdict !== 'accept' || flaw !== undefined) {
        // Signed by authors, and yet not what this release can follow: it stops here and says so, at every look.
        this.init.log.error({ version: named.version, flaw }, 'a signed descriptor cannot be followed')
        return
      }
      this.told.push({ version: named.version, chainId: named.chainId })
      this.init.onFact({
        type: 'versionTrusted',
        version: named.version,
        chainId: named.chainId,
        descriptorHash: named.hash,
        descriptor: parsed.value
      })
    }
  }

  /** §6: a descriptor names its network, its number and the chain that it follows. */
  private flawOf(descriptor: Descriptor, named: NamedUpgrade): string | undefined {
    if (descriptor.network !== this.init.network) return 'it is of another network'
    if (descriptor.version !== named.version) return `it says that it is version ${descriptor.version}`
    if (descriptor.previous !== this.newest().chainId) return 'it follows another chain'
    return undefined
  }

  private tellFreshness(state: TrustState): void {
    const untilMs = freshUntilMs(state)
    if (untilMs === this.freshUntil) return
    this.freshUntil = untilMs
    this.init.onFact({ type: 'freshUntil', untilMs })
  }
}

/** The signed order, or the documents under which the halt does not verify any more. */
function whatResumed(state: TrustState, version: number): string {
  const { roots, targets, halt } = state
  const order = haltsOf(state).get(version)
  return order?.at ?? `root ${roots.length}, targets ${targets?.version ?? 0}, halt ${halt?.version ?? 0}`
}
