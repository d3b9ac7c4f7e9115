import type { Access, EntrySource } from '../../host/state/access.js'
import { entriesOf, Layer, type ByteKey, type KeyRange } from '../../host/state/layer.js'
import { View } from '../../host/state/view.js'
import type { ReadOnlyStateView, StateView } from '../../state/state-view.js'

/** A view's keys have one, as in a real state. */
const prefix = '!state!'
const asBytes = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

/** A whole state in memory, for a class that is alone. */
export class MemoryState {
  #committed = new Layer()

  /** All that a view shows, byte for byte. */
  static async of(view: ReadOnlyStateView): Promise<MemoryState> {
    const copy = new MemoryState()
    const entries = await view.iterator<Buffer, Buffer>(asBytes).all()
    await copy.change(async state => {
      for (const [key, value] of entries) await state.put(key, value, asBytes)
    })
    return copy
  }

  copy(): MemoryState {
    const copy = new MemoryState()
    copy.#committed.absorb(this.#committed)
    return copy
  }

  get size(): number {
    return this.#committed.entries.size
  }

  /** Runs `use` over writes of its own and takes them over when it resolves; a throw leaves everything as it was. */
  async change<T>(use: (state: StateView) => T | Promise<T>, onWrite?: (key: ByteKey) => void): Promise<T> {
    const written = new Layer()
    const result = await use(new View(new MemoryAccess([this.#committed, written], written, onWrite), prefix))
    this.#committed.absorb(written)
    for (const [key, value] of this.#committed.entries) if (value === null) this.#committed.entries.delete(key)
    return result
  }

  /** To be read only. */
  view(options: { readonly reversed?: boolean } = {}): StateView {
    return new View(new MemoryAccess([this.#committed], undefined, undefined, options.reversed === true), prefix)
  }

  /** All entries as text, in the order of keys: equal for equal states. */
  dump(): string {
    const sorted = [...this.#committed.entries].sort(([a], [b]) => (a < b ? -1 : 1))
    return sorted.map(([key, value]) => `${JSON.stringify(key)}=${value?.toString('latin1') ?? ''}`).join('\n')
  }
}

class MemoryAccess implements Access {
  readonly #layers: readonly Layer[]
  readonly #written: Layer | undefined
  readonly #onWrite: ((key: ByteKey) => void) | undefined
  readonly #reversed: boolean

  constructor(layers: readonly Layer[], written?: Layer, onWrite?: (key: ByteKey) => void, reversed = false) {
    this.#layers = layers
    this.#written = written
    this.#onWrite = onWrite
    this.#reversed = reversed
  }

  read(key: ByteKey): Buffer | undefined {
    for (const layer of [...this.#layers].reverse()) {
      const found = layer.get(key)
      if (found !== undefined) return found ?? undefined
    }
    return undefined
  }

  write(key: ByteKey, value: Buffer | null): void {
    if (this.#written === undefined) throw new TypeError('this state is only read')
    this.#onWrite?.(key)
    this.#written.entries.set(key, value)
  }

  entries(range: KeyRange, reverse: boolean, limit: number): EntrySource {
    const found = entriesOf(this.#layers, range, reverse).filter((each): each is [string, Buffer] => each[1] !== null)
    if (this.#reversed && limit < 0) found.reverse()
    const left = (limit < 0 ? found : found.slice(0, limit)).reverse()
    return {
      next: async count => left.splice(-count).reverse(),
      close: async () => undefined
    }
  }

  begin(): void {
    // Nothing of it takes turns.
  }

  end(): void {
    // Nothing of it takes turns.
  }
}
