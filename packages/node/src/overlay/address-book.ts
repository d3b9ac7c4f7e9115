import { multiaddr } from '@multiformats/multiaddr'
import type { KnownPeer } from '../store/store.js'

const peersMax = 1000
const addressesPerPeerMax = 8
const addressCharactersMax = 256
const backoffFirstMs = 1000
const backoffMaxMs = 60_000

interface Entry extends KnownPeer {
  /** Connected to at least once by this process or an earlier one; others are hearsay and the first to be forgotten. */
  readonly met: boolean
  readonly failures: number
  readonly notBeforeMs: number
}

/** The addresses of peers that may be dialled, with the outcome of earlier dials. Bounded; wrong entries cost a dial and no more. */
export class AddressBook {
  private readonly entries = new Map<string, Entry>()

  constructor(
    private readonly self: string,
    private readonly now: () => number,
    private readonly random: () => number
  ) {}

  /** Takes what others say: it never replaces what a peer said itself. */
  hear(peers: readonly KnownPeer[]): boolean {
    let added = false
    for (const { peer, addresses, lastSeenMs } of peers) {
      const known = this.entries.get(peer)
      if (peer === this.self || known?.met === true) continue
      const dialable = addresses.filter(address => isDialable(address, peer))
      if (dialable.length === 0) continue
      // Of what was only heard nobody knows which is newer: an operator's address beside the one of the last run, for example.
      const all = [...new Set([...dialable, ...(known?.addresses ?? [])])].slice(0, addressesPerPeerMax)
      const heard = { peer, addresses: all, lastSeenMs: Math.min(lastSeenMs, this.now()), met: false }
      this.entries.set(peer, { failures: 0, notBeforeMs: 0, ...known, ...heard })
      added ||= known === undefined
    }
    this.forgetSurplus()
    return added
  }

  /** Takes what a connected peer says of itself. */
  meet(peer: string, addresses: readonly string[]): void {
    const dialable = addresses
      .map(address => (address.includes('/p2p/') ? address : `${address}/p2p/${peer}`))
      .filter(address => isDialable(address, peer))
      .slice(0, addressesPerPeerMax)
    if (peer === this.self || dialable.length === 0) return
    this.entries.set(peer, {
      peer,
      addresses: dialable,
      lastSeenMs: this.now(),
      met: true,
      failures: 0,
      notBeforeMs: 0
    })
    this.forgetSurplus()
  }

  addressesOf(peer: string): readonly string[] {
    return this.entries.get(peer)?.addresses ?? []
  }

  failed(peer: string): void {
    const entry = this.entries.get(peer)
    if (entry === undefined) return
    const backoffMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** entry.failures) * (0.75 + this.random() / 2)
    this.entries.set(peer, { ...entry, failures: entry.failures + 1, notBeforeMs: this.now() + backoffMs })
  }

  reached(peer: string): void {
    const entry = this.entries.get(peer)
    if (entry !== undefined)
      this.entries.set(peer, { ...entry, met: true, failures: 0, notBeforeMs: 0, lastSeenMs: this.now() })
  }

  /** Peers that may be dialled now, in random order: a network in which all prefer the same ones is a star. */
  candidates(connected: ReadonlySet<string>): readonly KnownPeer[] {
    const nowMs = this.now()
    return this.shuffled(
      [...this.entries.values()].filter(each => !connected.has(each.peer) && each.notBeforeMs <= nowMs)
    )
  }

  /** A sample for others: peers that were met. */
  sample(countMax: number): readonly KnownPeer[] {
    return this.shuffled([...this.entries.values()].filter(each => each.met && each.failures < 3)).slice(0, countMax)
  }

  all(): readonly KnownPeer[] {
    return [...this.entries.values()]
      .filter(each => each.met)
      .map(({ peer, addresses, lastSeenMs }) => ({ peer, addresses, lastSeenMs }))
  }

  private forgetSurplus(): void {
    const surplus = this.entries.size - peersMax
    if (surplus <= 0) return
    const byWorth = [...this.entries.values()].sort(
      (a, b) => Number(a.met) - Number(b.met) || b.failures - a.failures || a.lastSeenMs - b.lastSeenMs
    )
    for (const { peer } of byWorth.slice(0, surplus)) this.entries.delete(peer)
  }

  private shuffled(entries: readonly Entry[]): readonly KnownPeer[] {
    return entries
      .map(entry => ({ entry, at: this.random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ entry: { peer, addresses, lastSeenMs } }) => ({ peer, addresses, lastSeenMs }))
  }
}

/** The peer that an address names, where it is one that can be dialled. */
export function peerOf(address: string): string | undefined {
  if (address.length > addressCharactersMax) return undefined
  try {
    const components = multiaddr(address).getComponents()
    if (!components.some(each => each.name === 'tcp')) return undefined
    return components.findLast(each => each.name === 'p2p')?.value
  } catch {
    // Not a multiaddr: whoever said so is no worse for it.
    return undefined
  }
}

function isDialable(address: string, peer: string): boolean {
  return peerOf(address) === peer
}
