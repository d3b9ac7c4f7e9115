import { bundleLimits } from '../overlay/limits.js'

interface Experience {
  /** Rounds in a row in which it gave nothing. */
  readonly failures: number
  readonly liarUntilMs: number
}

/**
 * What this peer has seen of others as givers of bundles, whatever bundle it was. Those that gave nothing are asked after all others, so that no crowd which claims to have everything can be the
 * one that is asked in every round; those that lied are not asked for a while.
 */
export class ProviderRecord {
  private readonly peers = new Map<string, Experience>()

  constructor(
    private readonly now: () => number,
    private readonly random: () => number
  ) {}

  /** Whom to ask now: the best, and among equals anyone. */
  choose(known: readonly string[], countMax: number): readonly string[] {
    const nowMs = this.now()
    return known
      .map(peer => ({ peer, ...this.of(peer), at: this.random() }))
      .filter(({ liarUntilMs }) => liarUntilMs <= nowMs)
      .sort((a, b) => a.failures - b.failures || a.at - b.at)
      .slice(0, countMax)
      .map(({ peer }) => peer)
  }

  gave(peer: string): void {
    this.set(peer, { ...this.of(peer), failures: 0 })
  }

  gaveNothing(peer: string): void {
    const { failures, liarUntilMs } = this.of(peer)
    this.set(peer, { failures: failures + 1, liarUntilMs })
  }

  lied(peer: string): void {
    this.set(peer, { ...this.of(peer), liarUntilMs: this.now() + bundleLimits.liarMs })
  }

  private of(peer: string): Experience {
    return this.peers.get(peer) ?? { failures: 0, liarUntilMs: 0 }
  }

  private set(peer: string, experience: Experience): void {
    this.peers.delete(peer)
    const oldest = this.peers.keys().next().value
    if (this.peers.size >= peersMax && oldest !== undefined) this.peers.delete(oldest)
    this.peers.set(peer, experience)
  }
}

const peersMax = 1000
