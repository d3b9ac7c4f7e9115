import {
  InstarError,
  compactEntries,
  createPeerState,
  isJournalEntry,
  messageOf,
  routesOf,
  step,
  type Effect,
  type Fact,
  type Json,
  type JournalEntry,
  type PeerConfig,
  type PeerState,
  type Routes
} from '@instar/core'
import type { Logger } from 'pino'
import type { OpenJournal } from '../store/journal.js'
import type { FaultInjector } from './faults.js'

export interface EngineInit {
  readonly config: PeerConfig
  readonly journal: Pick<OpenJournal, 'append' | 'compact' | 'bytes'>
  /** Starts an effect and returns at once; its result comes back as a fact. `persist` and `wake` never come here. */
  readonly perform: (effect: Effect) => void
  /** Entries that are on disk. */
  readonly onEntries?: (entries: readonly JournalEntry[]) => void
  /** After every step that may have changed what others see. */
  readonly onChange: () => void
  readonly wallMs: () => number
  /** Never falls. */
  readonly monoMs: () => number
  readonly log: Logger
  readonly faults?: FaultInjector
  /** How soon a journal that refused an entry is tried again. */
  readonly journalRetryMs?: number
}

/** The shell around the core's `step` (§11): facts in, effects out, journal first. */
export interface Engine {
  /** Takes in a fact; its effects follow in order, after the journal's fsync. Never throws for what a peer sent. */
  input(fact: Fact): void
  /** What the core knows; read only, and only until the next fact. */
  readonly state: Readonly<PeerState>
  routes(): Routes
  /** Why the journal cannot be written, while that is so. Nothing begins meanwhile. */
  problem(): string | undefined
  /** Resolves when what was decided before is on disk and its effects have begun. */
  settled(): Promise<void>
  /** The same for whoever waits for an answer. @throws InstarError DiskFull, DataDirectoryDamaged while the journal cannot be written */
  kept(): Promise<void>
  /** Replaces a journal that has grown long by the shortest that says the same. */
  compact(): void
  /** Takes no more facts; resolves when what was decided before is on disk. */
  stop(): Promise<void>
}

/** A longer journal is replaced by the shortest that says the same. */
const journalBytesMax = 1024 * 1024
const journalRetryMsDefault = 2000

/** @throws InvariantViolation out of `input` when the core was told something impossible: the process must end and start again */
export function createEngine(init: EngineInit): Engine {
  const { journal, log, journalRetryMs = journalRetryMsDefault } = init
  let state = createPeerState(init.config)
  let routes: Routes | undefined
  let problem: string | undefined
  let stopped = false
  let failing = nextFailure()
  let wake: NodeJS.Timeout | undefined
  let last: Promise<void> = Promise.resolve()

  const input = (fact: Fact): void => {
    for (const each of init.faults?.hears(fact) ?? [fact]) takeIn(each)
  }

  const takeIn = (fact: Fact): void => {
    if (stopped) return
    const result = step(state, { ...fact, now: { wallMs: init.wallMs(), monoMs: init.monoMs() } })
    state = result.state
    routes = undefined
    const entries = result.effects.flatMap(effect => (effect.effect === 'persist' ? effect.entries : []))
    const others = result.effects.filter(effect => effect.effect !== 'persist')
    clearTimeout(wake)
    // The effects of a step start in the order of the steps, each after its own entries are on disk (§11).
    last = last.then(async () => {
      if (entries.length > 0) await persist(entries)
      for (const effect of others) start(effect)
    })
    init.onChange()
    init.faults?.stands(version => state.versions.get(version)?.phase)
  }

  const start = (effect: Effect): void => {
    if (stopped) return
    if (effect.effect === 'wake') {
      clearTimeout(wake)
      wake = setTimeout(() => input({ fact: 'tick' }), Math.min(effect.afterMs, 2 ** 31 - 1))
      return
    }
    init.faults?.before(effect)
    init.perform(effect)
    init.faults?.after(effect)
  }

  /** Until the journal has it nothing else happens: a full disk pauses the peer's decisions, not its service. */
  const persist = async (entries: readonly JournalEntry[]): Promise<void> => {
    init.faults?.before({ effect: 'persist', entries })
    for (;;) {
      try {
        await journal.append(entries.map(toRecord))
        problem = undefined
        break
      } catch (thrown) {
        if (stopped) return
        problem = `the journal cannot be written, so nothing new begins here: ${messageOf(thrown)}`
        log.error({ err: thrown }, problem)
        const { reject } = failing
        failing = nextFailure()
        reject(unkept(thrown))
        init.onChange()
        await new Promise(resolve => setTimeout(resolve, journalRetryMs).unref())
      }
    }
    for (const entry of entries) tell(log, entry)
    init.onEntries?.(entries)
    init.faults?.after({ effect: 'persist', entries })
  }

  return {
    input,
    get state() {
      return state
    },
    routes() {
      routes ??= routesOf(state)
      return routes
    },
    problem: () => problem,
    settled: () => last,
    kept: () => Promise.race([last, failing.promise]),
    compact() {
      if (stopped || journal.bytes <= journalBytesMax || state.lineage === undefined) return
      const entries = compactEntries(state, { wallMs: init.wallMs(), monoMs: init.monoMs() })
      // Behind what was decided before, and before what is decided next: saying that twice changes nothing.
      last = last.then(() =>
        journal
          .compact(entries.map(toRecord))
          .catch((thrown: unknown) => log.warn({ err: thrown }, 'the journal could not be compacted'))
      )
    },
    async stop() {
      stopped = true
      clearTimeout(wake)
      await last
    }
  }
}

/** Rejects when the journal refuses an entry; whether anybody waits for that is their affair. */
function nextFailure(): PromiseWithResolvers<never> {
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined)
  return failure
}

function unkept(thrown: unknown): InstarError {
  const code = thrown instanceof InstarError ? thrown.code : 'DataDirectoryDamaged'
  return new InstarError(
    code,
    `This was heard, and a restart would forget it: the journal cannot be written. ${messageOf(thrown)}`,
    { cause: thrown }
  )
}

/** What has been decided, for whoever reads the log; what went wrong stands out. */
function tell(log: Logger, entry: JournalEntry): void {
  if (entry.type === 'phase' && entry.cause !== undefined)
    log.warn({ entry }, `version ${entry.version} is ${entry.phase}: ${entry.cause}`)
  else log.info({ entry }, 'journal')
}

/** An entry as the journal's file keeps it. */
export function toRecord(entry: JournalEntry): { type: string; body: Json } {
  const { type, ...body } = entry
  return { type, body: body as unknown as Json }
}

/** The journal's records as entries; what a later release wrote and this one does not know is left out, and named. */
export function toEntries(
  records: readonly { type: string; body: Json }[],
  onUnknown: (type: string) => void
): readonly JournalEntry[] {
  return records.flatMap(({ type, body }) => {
    const entry: unknown = { type, ...(body as object) }
    if (isJournalEntry(entry)) return [entry]
    onUnknown(type)
    return []
  })
}
