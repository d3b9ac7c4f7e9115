import { CallError, messageOf } from '@instar/core'
import type { Deadlines } from '../call/deadlines.js'
import { busy } from '../call/failures.js'
import type { HostLog, HostRuntimeLimits, OutboxStats, OutgoingCall } from '../host-runtime.js'
import { Layer, type ByteKey } from '../state/layer.js'
import { storedEntries } from '../state/merged-entries.js'
import type { Store } from '../state/store.js'
import { decodeSend, encodeSend, orderOf, outboxSpace, sendKey, type Send, type StoredSend } from './send.js'
import { verdictOf } from './verdict-of.js'

export interface OutboxInit {
  readonly store: Store
  readonly outgoing: (call: OutgoingCall) => Promise<Uint8Array>
  readonly limits: HostRuntimeLimits
  readonly deadlines: Deadlines
  /** Wall clock. */
  readonly now: () => number
  readonly random: () => number
  /** 32 hexadecimal digits that nobody can guess: whoever knows a session can speak in it. */
  readonly newSession: () => string
  readonly log: HostLog
}

/** Receivers remembered for their session; more only while calls to them wait. */
const receiversMax = 1000

/** A send in memory. */
export interface Waiting {
  readonly key: ByteKey
  send: StoredSend
  readonly bytes: number
  /** Its batch is written; before that it must not leave. */
  committed: boolean
  attempts: number
  maybeRan: boolean
}

interface Receiver {
  readonly queue: Waiting[]
  session: { readonly id: string; nextSeq: number } | undefined
  sending: boolean
}

/**
 * The calls that commands have left for other peers' objects (§9). Each is written in its command's batch, sent after it, and again until it
 * is answered for good; it keeps its request id (§12), so that the receiver runs it once, whatever was killed in between.
 *
 * To one receiver they go in the order of the commits, one at a time: the next leaves when the record of the last is deleted. So of what a
 * new process finds only the first of each receiver can have been sent before. Its own sends go in sessions of its own: were numbers of an
 * older one continued, then after a power loss that took the last commits a new call could get the number, and the answer, of a forgotten one.
 */
export class Outbox {
  readonly #init: OutboxInit
  readonly #receivers = new Map<string, Receiver>()
  readonly #stopping = new AbortController()
  #nextOrder = 1
  #waiting = 0
  #bytes = 0
  readonly #counts = { delivered: 0, refused: 0, givenUp: 0 }

  private constructor(init: OutboxInit) {
    this.#init = init
  }

  static async read(init: OutboxInit): Promise<Outbox> {
    const outbox = new Outbox(init)
    const stored = storedEntries(init.store.db, outboxSpace, { reverse: false, limit: -1 })
    try {
      for (let part = await stored.next(500); part.length > 0; part = await stored.next(500)) {
        for (const [key, value] of part) outbox.#found(key, value)
      }
    } finally {
      await stored.close()
    }
    return outbox
  }

  get stats(): OutboxStats {
    return { waiting: this.#waiting, ...this.#counts }
  }

  /** Begins with what was found. */
  start(): void {
    for (const peer of this.#receivers.keys()) this.#pump(peer)
  }

  /** Nothing is sent any more, and no answer counts. */
  stop(): void {
    this.#stopping.abort()
  }

  /** @param staged by the same command before. @throws CallError Busy */
  assertRoom(peer: string, bytes: number, staged: { readonly calls: number; readonly toPeer: number }): void {
    const { outboxCallsMax, outboxCallsPerPeerMax, outboxBytesMax } = this.#init.limits
    const toPeer = (this.#receivers.get(peer)?.queue.length ?? 0) + staged.toPeer
    if (toPeer >= outboxCallsPerPeerMax) throw busy(`${toPeer} calls to peer ${peer} wait in the outbox already`)
    if (this.#waiting + staged.calls >= outboxCallsMax || this.#bytes + bytes > outboxBytesMax) {
      throw busy(`the outbox is full: ${this.#waiting} calls to other peers wait in it`)
    }
  }

  /** Adds what a command sends to its batch; to be told when that is written. */
  add(sends: readonly Send[], layer: Layer): readonly Waiting[] {
    return sends.map(send => {
      const receiver = this.#receiver(send.peer)
      const session = (receiver.session ??= { id: this.#init.newSession(), nextSeq: 1 })
      const stored = { ...send, session: session.id, seq: session.nextSeq++, at: this.#init.now() }
      const value = encodeSend(stored)
      const waiting: Waiting = {
        key: sendKey(this.#nextOrder++),
        send: stored,
        bytes: value.byteLength,
        committed: false,
        attempts: 0,
        maybeRan: false
      }
      layer.entries.set(waiting.key, value)
      this.#enqueue(receiver, waiting)
      return waiting
    })
  }

  committed(added: readonly Waiting[]): void {
    for (const each of added) each.committed = true
    for (const each of added) this.#pump(each.send.peer)
  }

  #found(key: ByteKey, value: Buffer): void {
    this.#nextOrder = orderOf(key) + 1
    const send = decodeSend(value)
    if (send === undefined) {
      this.#counts.givenUp++
      this.#init.log.warn({ key }, 'a call in the outbox cannot be read and is not sent')
      return
    }
    const receiver = this.#receiver(send.peer)
    const maybeRan = receiver.queue.length === 0
    this.#enqueue(receiver, { key, send, bytes: value.byteLength, committed: true, attempts: 0, maybeRan })
  }

  #receiver(peer: string): Receiver {
    let receiver = this.#receivers.get(peer)
    if (receiver === undefined) {
      if (this.#receivers.size >= receiversMax) this.#forgetIdle()
      receiver = { queue: [], session: undefined, sending: false }
      this.#receivers.set(peer, receiver)
    }
    return receiver
  }

  /** Their next call opens another session. */
  #forgetIdle(): void {
    for (const [peer, { queue, sending }] of this.#receivers) {
      if (queue.length === 0 && !sending) this.#receivers.delete(peer)
    }
  }

  #enqueue(receiver: Receiver, waiting: Waiting): void {
    receiver.queue.push(waiting)
    this.#waiting++
    this.#bytes += waiting.bytes
  }

  #pump(peer: string): void {
    const receiver = this.#receivers.get(peer)
    if (receiver === undefined || receiver.sending) return
    void this.#sendAll(receiver)
  }

  async #sendAll(receiver: Receiver): Promise<void> {
    receiver.sending = true
    for (let next = this.#next(receiver); next !== undefined; next = this.#next(receiver)) {
      const ended = this.#isTooOld(next) ? 'givenUp' : await this.#attempt(receiver, next)
      if (ended === undefined) continue
      receiver.queue.shift()
      this.#waiting--
      this.#bytes -= next.bytes
      this.#counts[ended]++
      const layer = new Layer()
      layer.entries.set(next.key, null)
      await this.#write(layer)
    }
    receiver.sending = false
  }

  #next(receiver: Receiver): Waiting | undefined {
    const first = receiver.queue[0]
    return first?.committed === true && !this.#stopped ? first : undefined
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted
  }

  /** One attempt, and the wait after it. Says how the send ended, if it has. */
  async #attempt(receiver: Receiver, waiting: Waiting): Promise<'delivered' | 'refused' | 'givenUp' | undefined> {
    const { peer, className, version, method, args, hops, trail, session, seq } = waiting.send
    waiting.attempts++
    let error: unknown
    try {
      await this.#init.outgoing({
        peer,
        className,
        version,
        method,
        args,
        kind: 'command',
        hops,
        trail,
        request: { session, seq, doneBelow: seq },
        remainingMs: this.#init.limits.outboxAttemptMs,
        signal: this.#stopping.signal
      })
      // The state may be closed by now: the next host asks again, and is answered from what the receiver has kept.
      return this.#stopped ? undefined : 'delivered'
    } catch (thrown) {
      error = thrown
    }
    if (this.#stopped) return undefined
    const verdict = verdictOf(error, waiting.maybeRan)
    if (!(error instanceof CallError) || error.detail.executed === 'unknown') waiting.maybeRan = true
    switch (verdict) {
      case 'delivered':
        return verdict
      case 'refused':
        this.#warn(waiting, error, `a call to another peer was refused: ${messageOf(error)}`)
        return verdict
      case 'lost':
        this.#warn(waiting, error, 'what became of a call to another peer cannot be found out; it is not sent again')
        return 'givenUp'
      case 'renumber':
        await this.#renumber(receiver)
        break
      case 'retry':
    }
    await this.#wait(waiting.attempts, error)
    return undefined
  }

  /** None of these can have run: they go on in a new session. */
  async #renumber(receiver: Receiver): Promise<void> {
    const session = { id: this.#init.newSession(), nextSeq: 1 }
    receiver.session = session
    const layer = new Layer()
    for (const waiting of receiver.queue) {
      waiting.send = { ...waiting.send, session: session.id, seq: session.nextSeq++ }
      waiting.maybeRan = false
      layer.entries.set(waiting.key, encodeSend(waiting.send))
    }
    await this.#write(layer)
  }

  /** The clock may have jumped: whoever can be reached is tried some times first. */
  #isTooOld(waiting: Waiting): boolean {
    const { outboxAgeMsMax, outboxAttemptsMin } = this.#init.limits
    const isTooOld = waiting.attempts >= outboxAttemptsMin && this.#init.now() - waiting.send.at > outboxAgeMsMax
    if (isTooOld) this.#warn(waiting, undefined, 'a call to another peer was given up: it has waited too long')
    return isTooOld
  }

  async #wait(attempts: number, error: unknown): Promise<void> {
    const { outboxRetryMsMin, outboxRetryMsMax } = this.#init.limits
    const backOffMs = outboxRetryMsMin * 2 ** Math.min(attempts - 1, 20)
    const askedMs = error instanceof CallError ? (error.detail.retryAfterMs ?? 0) : 0
    const waitMs = Math.min(Math.max(backOffMs, askedMs), outboxRetryMsMax) * (0.75 + 0.25 * this.#init.random())
    await new Promise<void>(resolve => {
      const { signal } = this.#stopping
      const done = (): void => {
        deadline.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const deadline = this.#init.deadlines.add(waitMs, done)
      signal.addEventListener('abort', done)
      if (signal.aborted) done()
    })
  }

  /** When the state can no longer be written, nothing more leaves: the next start goes on. */
  #write(layer: Layer): Promise<void> {
    return new Promise(resolve => {
      this.#init.store.commit(layer, resolve, () => {
        this.stop()
        resolve()
      })
    })
  }

  #warn({ send, attempts }: Waiting, error: unknown, message: string): void {
    const { peer, className, version, method } = send
    const code = error instanceof CallError ? error.code : undefined
    this.#init.log.warn({ peer, class: className, version, method, attempts, code }, message)
  }
}
