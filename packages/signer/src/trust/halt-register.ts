import type { Held } from '../metadata/document.js'
import type { HaltMetadata, HaltOrder } from '../metadata/halt.js'
import { compareDocuments } from '../metadata/meta-entry.js'

type Halts = Held<HaltMetadata>

/** The highest verified halt document, and those others that say of some version what it does not. */
export interface HaltRegister {
  readonly halt: Halts | undefined
  readonly haltWitnesses: readonly Halts[]
}

/** As for targets: more than this prove nothing new that matters. */
const witnessesMax = 8

/**
 * The register of a set of verified halt documents (§5). It depends on the set only. The highest number wins; of a version that the
 * winner does not mention, the highest document that does has the word, and stays as a witness: a later document that leaves a halt
 * out does not lift it, `resume` does. The twin of the winner stays as evidence (R20).
 */
export function settleHalts(documents: readonly Halts[]): HaltRegister {
  const sorted = [...documents].sort((a, b) => compareDocuments(b, a))
  const [winner, ...others] = sorted
  if (winner === undefined) return { halt: undefined, haltWitnesses: [] }
  const speakers = new Set([...wordsOf(sorted).values()].map(each => each.document))
  const twin = others.find(each => each.version === winner.version)
  const witnesses = others.filter(each => each === twin || speakers.has(each))
  return { halt: winner, haltWitnesses: witnesses.slice(0, witnessesMax) }
}

/** What halt documents say of one version of one history, and the document that says it. */
export interface HaltWord {
  readonly order: HaltOrder
  readonly document: Halts
}

/**
 * Per version and chain id what the highest document says that mentions it. Where several of one number do, a halt counts more than a
 * resume: stopping wrongly can be taken back, going on wrongly cannot.
 */
export function wordsOf(documents: readonly Halts[]): ReadonlyMap<string, HaltWord> {
  const words = new Map<string, HaltWord>()
  for (const document of documents) {
    for (const order of document.model.orders.values()) {
      const key = `${order.version} ${order.chainId}`
      const known = words.get(key)
      if (known === undefined || compareWords({ order, document }, known) > 0) words.set(key, { order, document })
    }
  }
  return words
}

function compareWords(a: HaltWord, b: HaltWord): number {
  return (
    a.document.version - b.document.version ||
    compareOrders(a.order, b.order) ||
    compareDocuments(a.document, b.document)
  )
}

/** Positive when `a` stops more. */
export function compareOrders(a: HaltOrder, b: HaltOrder): number {
  return weight(a) - weight(b)
}

function weight({ order, unload }: HaltOrder): number {
  return order === 'resume' ? 0 : unload ? 2 : 1
}
