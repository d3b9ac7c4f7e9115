import type { ChunkRef } from './bundle-folder.js'

interface Entry {
  readonly ref: ChunkRef
  /** Who is asked for it now, and since when. */
  readonly asked: Map<string, number>
}

/** The chunks of one round: who is asked for what. A slow peer's chunk is given to an idle one as well, so that it delays nobody. */
export class ChunkBoard {
  private readonly open: Map<string, Entry>
  private readonly idle = new Set<() => void>()
  private ended = false

  constructor(
    refs: readonly ChunkRef[],
    private readonly slowMs: number,
    private readonly now: () => number = () => performance.now()
  ) {
    this.open = new Map(refs.map(ref => [keyOf(ref), { ref, asked: new Map() }]))
  }

  /** The next chunk for this peer; waits while all are asked of others. Undefined: nothing is left for it in this round. */
  async take(peer: string): Promise<ChunkRef | undefined> {
    while (!this.ended && this.open.size > 0) {
      const entry = this.free() ?? this.slow(peer)
      if (entry !== undefined) {
        entry.asked.set(peer, this.now())
        return entry.ref
      }
      await this.change()
    }
    return undefined
  }

  done(ref: ChunkRef): void {
    this.open.delete(keyOf(ref))
    this.wake()
  }

  giveBack(ref: ChunkRef, peer: string): void {
    this.open.get(keyOf(ref))?.asked.delete(peer)
    this.wake()
  }

  /** Nobody works any more: who waits gets nothing. */
  end(): void {
    this.ended = true
    this.wake()
  }

  private free(): Entry | undefined {
    for (const entry of this.open.values()) if (entry.asked.size === 0) return entry
    return undefined
  }

  private slow(peer: string): Entry | undefined {
    const before = this.now() - this.slowMs
    for (const entry of this.open.values()) {
      if (entry.asked.size === 1 && !entry.asked.has(peer) && [...entry.asked.values()].every(at => at <= before))
        return entry
    }
    return undefined
  }

  private change(): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        this.idle.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, this.slowMs)
      this.idle.add(wake)
    })
  }

  private wake(): void {
    for (const wake of [...this.idle]) wake()
  }
}

function keyOf(ref: ChunkRef): string {
  return `${ref.chunk} ${ref.path}`
}
