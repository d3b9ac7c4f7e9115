import { CallError } from '@instar/core'
import { callHeaderBytesMax, writeCallHeader, type CallHeader } from '../call/call-header.js'
import { decodeFailure } from '../call/failure.js'
import { frameHeadBytes, frameKind, writeFrameHead } from '../frame/frame.js'
import type { Cancellation } from './call-handler.js'
import { createDeadlines } from './deadlines.js'
import type { ChannelLimits } from './limits.js'
import type { Outbox, OutgoingFrame } from './outbox.js'

interface Pending {
  readonly header: CallHeader
  readonly frame: OutgoingFrame
  readonly deadline: number
  readonly resolve: (result: Uint8Array) => void
  readonly reject: (error: CallError) => void
  readonly stopListening: (() => void) | undefined
}

export interface OutgoingCalls {
  request(header: CallHeader, body: Uint8Array, signal: Cancellation | undefined): Promise<Uint8Array>
  onReply(id: number, payload: Uint8Array): void
  onFailure(id: number, payload: Uint8Array): void
  /** The channel has ended: everything pending fails as `Unreachable`. */
  failAll(why: string): void
  readonly size: number
}

/** Our own calls: numbered, and matched with what answers them. */
export function createOutgoingCalls(init: {
  readonly outbox: Outbox
  readonly limits: ChannelLimits
  readonly now: () => number
  readonly onSettled: () => void
}): OutgoingCalls {
  const { outbox, limits, now, onSettled } = init
  const pending = new Map<number, Pending>()
  const deadlines = createDeadlines<Pending>({
    entries: pending,
    now,
    onExpired: (id, call) =>
      giveUp(id, call, `no answer to ${nameOf(call.header)} within ${call.header.remainingMs} ms`)
  })
  let lastId = 0

  function request(header: CallHeader, body: Uint8Array, signal: Cancellation | undefined): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const refusal = refuse(header, body, signal)
      if (refusal !== undefined) {
        reject(refusal)
        return
      }
      const id = nextId()
      const deadline = now() + header.remainingMs
      const onAbort = (): void => {
        const call = pending.get(id)
        if (call !== undefined) giveUp(id, call, `the caller of ${nameOf(header)} no longer waits`)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      pending.set(id, {
        header,
        frame: pushCall(id, header, body),
        deadline,
        resolve,
        reject,
        stopListening: signal && (() => signal.removeEventListener('abort', onAbort))
      })
      deadlines.watch(deadline)
    })
  }

  function refuse(header: CallHeader, body: Uint8Array, signal: Cancellation | undefined): CallError | undefined {
    if (signal?.aborted === true || header.remainingMs <= 0) {
      return new CallError('DeadlineExceeded', {
        message: `the deadline of ${nameOf(header)} passed before it was sent`
      })
    }
    if (body.byteLength > limits.frameBytesMax - callHeaderBytesMax - 2) {
      return new CallError('InvalidInput', {
        message: `the arguments of ${nameOf(header)} are too large: ${body.byteLength} bytes`
      })
    }
    if (pending.size >= limits.pendingMax || outbox.bytes > limits.queuedBytesMax) {
      return new CallError('Busy', {
        message: `too many calls wait to be sent before ${nameOf(header)}`,
        retryAfterMs: 50
      })
    }
    return undefined
  }

  function pushCall(id: number, header: CallHeader, body: Uint8Array): OutgoingFrame {
    const end = writeCallHeader(scratch, headerAt, header)
    const headerBytes = end - headerAt
    scratch.writeUInt16BE(headerBytes, frameHeadBytes)
    writeFrameHead(scratch, 0, frameKind.call, id, 2 + headerBytes + body.byteLength)
    return outbox.push(Buffer.from(scratch.subarray(0, end)), body)
  }

  function nextId(): number {
    do lastId = (lastId % 0xffffffff) + 1
    while (pending.has(lastId))
    return lastId
  }

  /** Stops waiting. The other end is told, and may have run the call all the same. */
  function giveUp(id: number, call: Pending, message: string): void {
    const neverSent = outbox.drop(call.frame)
    if (!neverSent) {
      const head = new Uint8Array(frameHeadBytes)
      writeFrameHead(head, 0, frameKind.cancel, id, 0)
      outbox.push(head)
    }
    settle(id, call)
    call.reject(new CallError('DeadlineExceeded', { message, executed: neverSent ? 'no' : 'unknown' }))
  }

  function settle(id: number, call: Pending): void {
    pending.delete(id)
    call.stopListening?.()
    onSettled()
  }

  return {
    request,
    // An answer to a call that was given up comes too late and is dropped.
    onReply(id, payload) {
      const call = pending.get(id)
      if (call === undefined) return
      settle(id, call)
      call.resolve(payload)
    },
    onFailure(id, payload) {
      const call = pending.get(id)
      if (call === undefined) return
      settle(id, call)
      call.reject(decodeFailure(payload))
    },
    failAll(why) {
      deadlines.stop()
      for (const [id, call] of [...pending]) {
        const executed = outbox.drop(call.frame) ? 'no' : 'unknown'
        settle(id, call)
        call.reject(new CallError('Unreachable', { message: `${nameOf(call.header)}: ${why}`, executed }))
      }
    },
    get size() {
      return pending.size
    }
  }
}

export function nameOf(header: CallHeader): string {
  return `${header.className}.${header.method} at version ${header.version}`
}

const headerAt = frameHeadBytes + 2
/** Used between two lines of synchronous code only. */
const scratch = Buffer.alloc(headerAt + callHeaderBytesMax)
