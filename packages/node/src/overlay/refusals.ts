import type { Logger } from 'pino'

/** Where something of another program's was refused. */
type RefusalKind = 'connection' | 'gossip' | 'sync' | 'bundle' | 'call'

export interface Refusal {
  readonly kind: RefusalKind
  /** One word of ours or a verdict's code: the label of the metric. */
  readonly reason: string
  readonly count: number
}

/**
 * What was refused, counted by kind and reason since the start, with one line in the log for each in ten seconds: whoever floods a peer does not flood its log.
 */
export interface Refusals {
  /** @param peer absent where nobody has proved who it is */
  count(kind: RefusalKind, reason: string, peer?: string, detail?: string): void
  all(): readonly Refusal[]
}

const lineEveryMs = 10_000
/** Reasons are words of this program; a bound all the same, since each is a label. */
const reasonsMax = 200

interface Entry {
  count: number
  lineAtMs: number
  countAtLine: number
}

export interface RefusalsInit {
  readonly log: Logger
  readonly now?: () => number
  /** Hears of each one too, where who it was has proved its id. */
  readonly onRefused?: (kind: RefusalKind, reason: string, peer: string, detail: string) => void
}

export function createRefusals(init: RefusalsInit): Refusals {
  const { log, now = Date.now } = init
  const entries = new Map<string, Entry & Pick<Refusal, 'kind' | 'reason'>>()

  function entryOf(kind: RefusalKind, reason: string) {
    const key = `${kind} ${reason}`
    const known = entries.get(key)
    if (known !== undefined) return known
    if (entries.size >= reasonsMax && reason !== 'Other') return entryOf(kind, 'Other')
    const entry = { kind, reason, count: 0, lineAtMs: -Infinity, countAtLine: 0 }
    entries.set(key, entry)
    return entry
  }

  return {
    count(kind, reason, peer, detail) {
      if (peer !== undefined) init.onRefused?.(kind, reason, peer, detail ?? '')
      const entry = entryOf(kind, reason)
      entry.count++
      const nowMs = now()
      if (Math.abs(nowMs - entry.lineAtMs) < lineEveryMs) return
      const sinceTheLastLine = entry.count - entry.countAtLine
      entry.lineAtMs = nowMs
      entry.countAtLine = entry.count
      log.info({ kind, reason, peer, detail, refused: sinceTheLastLine }, 'refused')
    },
    all: () => [...entries.values()].map(({ kind, reason, count }) => ({ kind, reason, count }))
  }
}
