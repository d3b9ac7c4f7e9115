import type { CommandAccess } from '../state/request-access.js'
import type { ByteKey, Layer } from '../state/layer.js'
import type { Send } from './send.js'

const mark = Buffer.alloc(0)

/** Where the sends of a façade stand in an overlay. */
export function stagePrefixOf(prefix: ByteKey): ByteKey {
  return `o+${prefix}`
}

/**
 * What a running command sends. In the overlay each send has a mark under its façade's name: whatever takes back that façade's writes, such
 * as a nested command that fails, takes back its sends (R12). They get their numbers at the commit.
 */
export class StagedSends {
  readonly #sends = new Map<ByteKey, Send>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** How many there are, those that were taken back included. */
  count(peer: string): { readonly calls: number; readonly toPeer: number } {
    let toPeer = 0
    for (const send of this.#sends.values()) if (send.peer === peer) toPeer++
    return { calls: this.#sends.size, toPeer }
  }

  stage(access: CommandAccess, facadePrefix: ByteKey, send: Send): void {
    const key = `${stagePrefixOf(facadePrefix)}${this.#sends.size}`
    access.write(key, mark)
    this.#sends.set(key, send)
    this.#bytes += send.args.byteLength
  }

  /** Those that stand, in order; their marks leave the layer. */
  take(layer: Layer): readonly Send[] {
    const standing: Send[] = []
    for (const [key, send] of this.#sends) if (layer.entries.delete(key)) standing.push(send)
    return standing
  }
}
