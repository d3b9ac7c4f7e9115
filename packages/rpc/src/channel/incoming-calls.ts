import { CallError, messageOf } from '@instar/core'
import { callHeaderBytesMax, decodeCallHeader, type CallHeader } from '../call/call-header.js'
import { encodeFailure } from '../call/failure.js'
import {
  frameHeadBytes,
  frameKind,
  writeFrameHead,
  type Frame,
  type FrameKind,
  type ProtocolFault
} from '../frame/frame.js'
import type { CallHandler, Cancellation, IncomingCall } from './call-handler.js'
import { createDeadlines } from './deadlines.js'
import type { CallerShare } from './caller-quotas.js'
import type { ChannelLimits } from './limits.js'
import type { Outbox } from './outbox.js'
import { nameOf } from './outgoing-calls.js'

export interface IncomingCalls {
  /** Starts a call; answers what is wrong with its frame, if anything. */
  onCall(frame: Frame): ProtocolFault | undefined
  onCancel(id: number): void
  /** New calls are refused from now on. */
  refuseAll(why: string): void
  /** The channel has ended: nobody waits for what runs. */
  abandonAll(): void
  readonly size: number
  /** Bytes of the arguments of calls that run. */
  readonly bytes: number
}

/** The other end's calls: run at most `servingMax` at once, each with its own deadline and signal. */
export function createIncomingCalls(init: {
  readonly outbox: Outbox
  readonly limits: ChannelLimits
  /** The part of what the caller has over all its channels; absent where it has only this one. */
  readonly share: CallerShare | undefined
  readonly handler: CallHandler | undefined
  readonly now: () => number
  readonly onSettled: () => void
}): IncomingCalls {
  const { outbox, limits, share, handler, now, onSettled } = init
  const running = new Map<number, RunningCall>()
  const deadlines = createDeadlines<RunningCall>({ entries: running, now, onExpired: expire })
  /** Calls whose caller no longer waits but whose handler has not come back: they still take their place. */
  let abandoned = 0
  let bytes = 0
  let refusal: string | undefined

  function onCall(frame: Frame): ProtocolFault | undefined {
    const { id, payload } = frame
    const headerBytes = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0)
    if (payload.byteLength < 2 + headerBytes || headerBytes > callHeaderBytesMax) {
      return { code: 'BadCallHeader', detail: 'the header of a call is cut short or too long' }
    }
    const decoded = decodeCallHeader(payload.subarray(2, 2 + headerBytes))
    if (decoded.verdict !== 'accept') return decoded
    if (running.has(id)) return { code: 'DuplicateCall', detail: `call ${id} is running already` }
    const header = decoded.value
    const refused = refuse(header)
    if (refused === undefined) run(id, header, ownBytes(payload, 2 + headerBytes))
    else sendFailure(id, refused)
    return undefined
  }

  function refuse(header: CallHeader): CallError | undefined {
    if (refusal !== undefined) return new CallError('Unreachable', { message: refusal })
    if (handler === undefined) {
      return new CallError('UnknownMethod', { message: 'this end of the connection answers no calls' })
    }
    if (header.remainingMs <= 0) {
      return new CallError('DeadlineExceeded', {
        message: `the deadline of ${nameOf(header)} passed before it arrived`
      })
    }
    if (running.size + abandoned >= limits.servingMax || share?.begin() === false) {
      return new CallError('Busy', {
        message: `as many calls of this caller are running as may at once, at most ${limits.servingMax}`,
        retryAfterMs: 50
      })
    }
    return undefined
  }

  function run(id: number, header: CallHeader, body: Uint8Array): void {
    const call = new RunningCall(header, now() + header.remainingMs, now)
    running.set(id, call)
    bytes += body.byteLength
    deadlines.watch(call.deadline)
    // `handler` is there: refuse() has looked.
    let result: Promise<Uint8Array>
    try {
      result = (handler as CallHandler)(header, body, call)
    } catch (thrown) {
      result = Promise.reject(thrown instanceof Error ? thrown : new Error(messageOf(thrown)))
    }
    result.then(
      value => finish(id, call, body, value, undefined),
      (thrown: unknown) => finish(id, call, body, undefined, toCallError(thrown, header))
    )
  }

  function finish(
    id: number,
    call: RunningCall,
    body: Uint8Array,
    value: Uint8Array | undefined,
    error: CallError | undefined
  ): void {
    bytes -= body.byteLength
    share?.ended()
    if (running.get(id) === call) {
      running.delete(id)
      if (value === undefined) sendFailure(id, error as CallError)
      else if (value.byteLength > limits.frameBytesMax) sendFailure(id, tooLarge(call.header, value))
      else sendFrame(frameKind.reply, id, value)
    } else {
      abandoned--
    }
    onSettled()
  }

  function expire(id: number, call: RunningCall): void {
    const message = `${nameOf(call.header)} took longer than its deadline`
    abandon(id, call, message)
    sendFailure(id, new CallError('DeadlineExceeded', { message, executed: 'unknown' }))
  }

  function abandon(id: number, call: RunningCall, why: string): void {
    running.delete(id)
    abandoned++
    call.abort(why)
  }

  function sendFailure(id: number, error: CallError): void {
    sendFrame(frameKind.failure, id, encodeFailure(error))
  }

  function sendFrame(kind: FrameKind, id: number, payload: Uint8Array): void {
    const head = new Uint8Array(frameHeadBytes)
    writeFrameHead(head, 0, kind, id, payload.byteLength)
    outbox.push(head, payload)
  }

  return {
    onCall,
    onCancel(id) {
      const call = running.get(id)
      if (call !== undefined) abandon(id, call, 'the caller no longer waits')
    },
    refuseAll(why) {
      refusal = why
    },
    abandonAll() {
      deadlines.stop()
      for (const [id, call] of [...running]) abandon(id, call, 'the connection to the caller has ended')
    },
    get size() {
      return running.size
    },
    get bytes() {
      return bytes
    }
  }
}

class RunningCall implements IncomingCall, Cancellation {
  readonly header: CallHeader
  readonly deadline: number
  readonly #now: () => number
  #controller: AbortController | undefined
  #listeners: Array<() => void> | undefined
  #aborted: Error | undefined

  constructor(header: CallHeader, deadline: number, now: () => number) {
    this.header = header
    this.deadline = deadline
    this.#now = now
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted)
    }
    return this.#controller.signal
  }

  /** Itself: a call that is only passed on needs no object more. */
  get cancellation(): Cancellation {
    return this
  }

  get aborted(): boolean {
    return this.#aborted !== undefined
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners ??= []
    this.#listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners?.indexOf(listener) ?? -1
    if (at >= 0) this.#listeners?.splice(at, 1)
  }

  get remainingMs(): number {
    return Math.max(0, this.deadline - this.#now())
  }

  /** Once, so that `once` need not be kept per listener. */
  abort(why: string): void {
    this.#aborted = new Error(why)
    this.#controller?.abort(this.#aborted)
    const listeners = this.#listeners ?? []
    this.#listeners = undefined
    for (const listener of listeners) listener()
  }
}

/**
 * Small arguments are copied: a view would keep the whole chunk alive for as long as the call is held. Into Node's pool, because memory of its own
 * for each would cost a collection of garbage every few thousand calls.
 */
function ownBytes(payload: Uint8Array, from: number): Uint8Array {
  const body = payload.subarray(from)
  return body.byteLength <= copiedBytesMax ? Buffer.from(body) : body
}
const copiedBytesMax = 16 * 1024

function toCallError(thrown: unknown, header: CallHeader): CallError {
  if (thrown instanceof CallError) return thrown
  return new CallError('Failed', { message: `${nameOf(header)} failed: ${messageOf(thrown)}`, executed: 'unknown' })
}

function tooLarge(header: CallHeader, value: Uint8Array): CallError {
  return new CallError('OutOfContract', {
    message: `the result of ${nameOf(header)} is too large to send: ${value.byteLength} bytes`,
    executed: 'unknown'
  })
}
