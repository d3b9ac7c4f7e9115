import { hash } from 'node:crypto'
import { CallError, isCallErrorCode, type CallErrorDetail } from '@instar/core'
import { decodeValue, encodeValue } from '../../codec/codec.js'
import type { ByteKey, Layer } from '../state/layer.js'
import { storedEntries, type Database } from '../state/merged-entries.js'

/** What a command came to: its encoded result, or why there is none. */
export type Outcome = Uint8Array | CallError

export interface SessionLimits {
  readonly sessionsMax: number
  readonly sessionWindow: number
  readonly keptAnswerBytesMax: number
}

export interface SessionRequest {
  readonly session: string
  readonly seq: number
  readonly doneBelow: number
  readonly method: string
}

/** What to do with a request of a session. */
export type Begun = { readonly answer: Outcome } | { readonly join: Promise<Uint8Array> } | { readonly turn: Turn }

/** The right to run one request once. Ends with `keep` and then `committed`, or with `drop`. */
export interface Turn {
  /** Adds to a batch that the request has begun and must not run again, whatever becomes of it: for a flow, before its first effect (§9). */
  begin(layer: Layer): void
  /** Where a repeat that comes meanwhile waits. */
  answeredBy(answer: Promise<Uint8Array>): void
  /** Adds the outcome to the batch of the command. */
  keep(outcome: Outcome, layer: Layer): void
  committed(): void
  /** It did not run, and a repeat may; or it has begun, and nobody knows what it came to. */
  drop(): void
}

interface Session {
  doneBelow: number
  readonly kept: Set<number>
  readonly running: Map<number, Promise<Uint8Array> | undefined>
  /** Answers that the caller has; deleted with the session's next batch. */
  stale: number[]
}

const sessionSpace = { lower: 's!', lowerInside: true, upper: 's"', upperInside: false }
const sessionId = /^[0-9a-f]{32}$/

/**
 * Exactly once (§12): the outcome of every command of a session is written in the command's own batch, under (session, seq), and found
 * again by a repeat. Refusals that are final are kept too: a copy of the request that comes late must not run after its caller was told
 * that it failed. There is no other record: what is known of a session after a restart is what its kept answers say.
 */
export class Sessions {
  readonly #db: Database
  readonly #limits: SessionLimits
  /** The least recently used first. */
  readonly #sessions = new Map<string, Session>()
  #uses = 0
  /** Records of sessions that were forgotten; deleted with the next batch. */
  #forgotten: ByteKey[] = []

  private constructor(db: Database, limits: SessionLimits) {
    this.#db = db
    this.#limits = limits
  }

  static async read(db: Database, limits: SessionLimits): Promise<Sessions> {
    const sessions = new Sessions(db, limits)
    const lastUse = new Map<string, number>()
    const stored = storedEntries(db, sessionSpace, { reverse: false, limit: -1 })
    try {
      for (let part = await stored.next(500); part.length > 0; part = await stored.next(500)) {
        for (const [key, value] of part) sessions.#readRecord(key, value, lastUse)
      }
    } finally {
      await stored.close()
    }
    sessions.#uses = Math.max(0, ...lastUse.values())
    const byUse = [...sessions.#sessions].sort(([a], [b]) => (lastUse.get(a) ?? 0) - (lastUse.get(b) ?? 0))
    sessions.#sessions.clear()
    for (const [id, session] of byUse) sessions.#sessions.set(id, session)
    return sessions
  }

  get size(): number {
    return this.#sessions.size
  }

  /** @throws CallError when the request may not run: bad numbers, an unknown session, a full window */
  begin(request: SessionRequest): Begun {
    const { session: id, seq } = request
    const doneBelow = Math.max(request.doneBelow, 1)
    if (!sessionId.test(id)) throw invalid('a session is named by 32 hexadecimal digits')
    if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(doneBelow) || doneBelow < 1 || seq < doneBelow) {
      throw invalid('sequence numbers count from 1, and doneBelow is not above the request')
    }
    const session = this.#sessions.get(id) ?? this.#open(id, seq)
    this.#touch(id, session)
    if (seq < session.doneBelow) throw tooOld('the caller has said that it has this answer')
    if (session.running.has(seq)) {
      const join = session.running.get(seq)
      if (join !== undefined) return { join }
    }
    if (session.kept.has(seq)) return { answer: this.#keptAnswer(request) }
    this.#advance(session, doneBelow)
    if (seq >= session.doneBelow + this.#limits.sessionWindow) {
      throw new CallError('Busy', {
        message: `at most ${this.#limits.sessionWindow} requests of a session may be open`,
        retryAfterMs: 50
      })
    }
    session.running.set(seq, undefined)
    return { turn: this.#turn(id, session, request) }
  }

  #open(id: string, seq: number): Session {
    if (seq > 1) {
      throw new CallError('SessionLost', {
        message:
          'this peer does not know the session, and it is not its first request: what became of the earlier ones is unknown',
        executed: 'unknown'
      })
    }
    if (this.#sessions.size >= this.#limits.sessionsMax) this.#forgetOldest()
    const session = newSession()
    this.#sessions.set(id, session)
    return session
  }

  #touch(id: string, session: Session): void {
    this.#sessions.delete(id)
    this.#sessions.set(id, session)
  }

  #forgetOldest(): void {
    for (const [id, session] of this.#sessions) {
      if (session.running.size > 0) continue
      this.#sessions.delete(id)
      for (const seq of [...session.kept, ...session.stale]) this.#forgotten.push(recordKey(id, seq))
      return
    }
    throw new CallError('Busy', { message: 'all sessions of this peer have requests under way', retryAfterMs: 100 })
  }

  #advance(session: Session, doneBelow: number): void {
    if (doneBelow <= session.doneBelow) return
    session.doneBelow = doneBelow
    for (const seq of session.kept) {
      if (seq >= doneBelow) continue
      session.kept.delete(seq)
      session.stale.push(seq)
    }
  }

  #turn(id: string, session: Session, { seq, method }: SessionRequest): Turn {
    const write = (layer: Layer, what: readonly unknown[]): void => {
      for (const old of session.stale) layer.entries.set(recordKey(id, old), null)
      session.stale = []
      for (const key of this.#forgotten) layer.entries.set(key, null)
      this.#forgotten = []
      const record = [session.doneBelow, ++this.#uses, method, ...what]
      layer.entries.set(recordKey(id, seq), Buffer.from(encodeValue(record)))
    }
    return {
      answeredBy: answer => void session.running.set(seq, answer),
      begin: layer => {
        session.kept.add(seq)
        write(layer, ['begun'])
      },
      keep: (outcome, layer) => write(layer, this.#kept(outcome)),
      committed: () => {
        session.running.delete(seq)
        if (seq >= session.doneBelow) session.kept.add(seq)
        else session.stale.push(seq)
      },
      drop: () => void session.running.delete(seq)
    }
  }

  #kept(outcome: Outcome): readonly unknown[] {
    if (outcome instanceof CallError) return ['error', outcome.code, plainDetail(outcome.detail)]
    return outcome.byteLength <= this.#limits.keptAnswerBytesMax
      ? ['answer', outcome]
      : ['digest', hash('sha256', outcome), outcome.byteLength]
  }

  #keptAnswer({ session, seq, method }: SessionRequest): Outcome {
    const bytes = this.#db.getSync(Buffer.from(recordKey(session, seq), 'latin1'))
    const record = bytes === undefined ? undefined : parseRecord(bytes)
    if (record === undefined) return tooOld('its record cannot be read')
    const [, , ranMethod, kind, first, second] = record
    if (ranMethod !== method) return invalid(`this sequence number was used for ${String(ranMethod)} before`)
    if (kind === 'answer' && first instanceof Uint8Array) return first
    if (kind === 'error' && typeof first === 'string' && isCallErrorCode(first)) {
      return new CallError(first, second as CallErrorDetail)
    }
    if (kind === 'begun') return tooOld('it was cut off in the middle')
    return tooOld(`its answer of ${String(second)} bytes was too large to keep`)
  }

  #readRecord(key: ByteKey, value: Buffer, lastUse: Map<string, number>): void {
    const [, id = '', seqText = ''] = key.split('!')
    const seq = Number.parseInt(seqText, 16)
    if (!sessionId.test(id) || !Number.isSafeInteger(seq)) return
    const session = this.#sessions.get(id) ?? newSession()
    this.#sessions.set(id, session)
    session.kept.add(seq)
    const record = parseRecord(value)
    if (record === undefined) return
    const [doneBelow, use] = record
    if (typeof doneBelow === 'number') this.#advance(session, doneBelow)
    if (typeof use === 'number') lastUse.set(id, Math.max(use, lastUse.get(id) ?? 0))
  }
}

function newSession(): Session {
  return { doneBelow: 1, kept: new Set(), running: new Map(), stale: [] }
}

function recordKey(session: string, seq: number): ByteKey {
  return `s!${session}!${seq.toString(16).padStart(14, '0')}`
}

/** A record that cannot be read counts as an answer that is gone, not as a request that never ran. */
function parseRecord(bytes: Uint8Array): readonly unknown[] | undefined {
  try {
    const record = decodeValue(bytes)
    return Array.isArray(record) ? record : undefined
  } catch {
    return undefined
  }
}

function plainDetail(detail: CallErrorDetail): Record<string, unknown> {
  return Object.fromEntries(Object.entries(detail).filter(([, value]) => value !== undefined))
}

function tooOld(why: string): CallError {
  return new CallError('AnswerTooOld', { message: `the request ran before: ${why}`, executed: 'unknown' })
}

function invalid(message: string): CallError {
  return new CallError('InvalidInput', { message })
}
