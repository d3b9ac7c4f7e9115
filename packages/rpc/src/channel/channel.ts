import { CallError, InstarError, messageOf } from '@instar/core'
import type { CallHeader } from '../call/call-header.js'
import { createFrameDecoder } from '../frame/decoder.js'
import {
  frameHeadBytes,
  frameKind,
  writeFrameHead,
  type Frame,
  type FrameKind,
  type ProtocolFault
} from '../frame/frame.js'
import type { FrameTransport } from '../transport/frame-transport.js'
import { createRate } from '../connection/rate.js'
import type { CallHandler, Cancellation } from './call-handler.js'
import type { CallerQuotas } from './caller-quotas.js'
import { encodeGoodbye, parseGoodbye, type Goodbye } from './goodbye.js'
import { createIncomingCalls } from './incoming-calls.js'
import { defaultChannelLimits, type ChannelLimits } from './limits.js'
import { createOutbox } from './outbox.js'
import { createOutgoingCalls } from './outgoing-calls.js'

export interface ChannelInit {
  readonly transport: FrameTransport
  /** Answers the other end's calls; without it they are refused with `UnknownMethod`. */
  readonly onCall?: CallHandler
  /** Each hello frame of the other end, as it came. Throwing ends the channel with the error's message. */
  readonly onHello?: (payload: Uint8Array) => void
  readonly limits?: Partial<ChannelLimits>
  /** What this caller has over all its channels, and all callers together; `name` says who it is. Without it the limits of the channel are all. */
  readonly quotas?: CallerQuotas
  /** Names the other end in messages. */
  readonly name?: string
  /** Milliseconds that only grow. */
  readonly now?: () => number
}

export interface RequestOptions {
  readonly signal?: Cancellation
}

export type ChannelEndCode = 'closed' | 'goodbye' | 'broken' | 'protocol' | 'silent' | 'stalled'

/** Why a channel is no more. Only after `closed` and `goodbye` both ends agreed on it. */
export interface ChannelEnd {
  readonly code: ChannelEndCode
  readonly message: string
  /** What the other end said last. */
  readonly goodbye?: Goodbye
}

export interface ChannelCounters {
  readonly framesSent: number
  readonly framesReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Calls to `send`: how well frames are put together. */
  readonly sends: number
  readonly pending: number
  readonly serving: number
  readonly bytesQueued: number
}

/** One framed stream to one other end, with calls in both directions at once. */
export interface Channel {
  /**
   * Sends a call and resolves with the bytes of its result. `header.remainingMs` is the deadline, counted from now. `body` belongs to the channel.
   *
   * @throws CallError; `executed` is `no` as long as the frame has not left this process
   */
  request(header: CallHeader, body: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  sendHello(payload: Uint8Array): void
  /** True until the channel ends, closes or the other end said goodbye: a new request would be refused at once. */
  readonly open: boolean
  /** Resolves when the channel has ended, for whatever reason; never rejects. */
  readonly closed: Promise<ChannelEnd>
  counters(): ChannelCounters
  /** Says goodbye, waits at most `limits.closeMs` for calls in both directions, closes. Idempotent. */
  close(goodbye?: Goodbye): Promise<void>
  /** Ends the channel at once; what is pending fails as `Unreachable`. */
  abort(reason: string): void
}

/** Puts frames on a transport. The channel owns the transport and works at once; between peers use `greet`, which exchanges hellos first. */
export function createChannel(init: ChannelInit): Channel {
  const { transport, now = () => performance.now(), name = 'the other end' } = init
  const limits: ChannelLimits = { ...defaultChannelLimits, ...init.limits }
  const ended = Promise.withResolvers<ChannelEnd>()
  let end: ChannelEnd | undefined
  let closing: Promise<void> | undefined
  let farewell: Goodbye | undefined
  let paused = false
  let lastSentFrames = 0
  let lastSentAt = now()
  let lastReceivedAt = now()
  let framesReceived = 0
  let bytesReceived = 0
  let onQuiet: (() => void) | undefined

  const outbox = createOutbox({
    transport,
    sendBytes: limits.sendBytes,
    now,
    isBusy: () => outgoing.size + incoming.size > 1,
    onFlushed: adjustReading
  })
  const outgoing = createOutgoingCalls({ outbox, limits, now, onSettled })
  const share = init.quotas?.open(name, reason => finish({ code: 'stalled', message: reason }))
  const incoming = createIncomingCalls({ outbox, limits, share, handler: init.onCall, now, onSettled })
  const mayGreet = createRate({ perSecond: limits.hellosPerSecond, atOnce: limits.hellosAtOnce, now })
  const decoder = createFrameDecoder({ payloadBytesMax: limits.frameBytesMax, onFrame })
  const heartbeat = startHeartbeat()

  function onFrame(frame: Frame): void {
    framesReceived++
    if (end !== undefined) return
    switch (frame.kind) {
      case frameKind.call: {
        const wrong = incoming.onCall(frame)
        if (wrong !== undefined) breakOff(wrong)
        return
      }
      case frameKind.reply:
        return outgoing.onReply(frame.id, frame.payload)
      case frameKind.failure:
        return outgoing.onFailure(frame.id, frame.payload)
      case frameKind.cancel:
        return incoming.onCancel(frame.id)
      case frameKind.ping:
        return push(frameKind.pong, frame.payload.subarray(0, pingBytesMax))
      case frameKind.pong:
        return
      case frameKind.hello:
        if (mayGreet()) return onHello(frame.payload)
        return breakOff({ code: 'TooManyHellos', detail: `more than ${limits.hellosPerSecond} a second` })
      case frameKind.goodbye:
        farewell = parseGoodbye(frame.payload)
        return
    }
  }

  function onHello(payload: Uint8Array): void {
    try {
      init.onHello?.(payload)
    } catch (thrown) {
      const code = thrown instanceof InstarError ? thrown.code : 'BadHello'
      void refuse({ code, message: messageOf(thrown) })
    }
  }

  function push(kind: FrameKind, payload: Uint8Array = nothing): void {
    if (end !== undefined) return
    const head = new Uint8Array(frameHeadBytes)
    writeFrameHead(head, 0, kind, 0, payload.byteLength)
    outbox.push(head, payload)
  }

  function onSettled(): void {
    adjustReading()
    if (onQuiet !== undefined && outgoing.size === 0 && incoming.size === 0) onQuiet()
  }

  /** Nothing is read while the other end does not take what it asked for, or asks for more than is served. */
  function adjustReading(): void {
    share?.holds(outbox.bytes + incoming.bytes + decoder.buffered)
    // What it holds may just have ended it.
    if (hasEnded()) return
    const part = paused ? 0.5 : 1
    const full = outbox.bytes > limits.queuedBytesMax * part || incoming.bytes > limits.servingBytesMax * part
    if (full === paused) return
    paused = full
    if (full) {
      transport.pause()
    } else {
      lastReceivedAt = now()
      transport.resume()
    }
  }

  /** Read through a function: the compiler does not see that others write it. */
  function hasEnded(): boolean {
    return end !== undefined
  }

  function startHeartbeat(): NodeJS.Timeout | undefined {
    const spans = [limits.keepaliveMs, limits.silenceMs, limits.stallMs].filter(ms => ms > 0)
    if (spans.length === 0) return undefined
    return setInterval(beat, Math.max(10, Math.min(...spans) / 3)).unref()
  }

  function beat(): void {
    const time = now()
    if (outbox.frames !== lastSentFrames) {
      lastSentFrames = outbox.frames
      lastSentAt = time
    }
    if (limits.stallMs > 0 && outbox.fullSince !== undefined && time - outbox.fullSince >= limits.stallMs) {
      finish({ code: 'stalled', message: `${name} took no bytes for ${limits.stallMs} ms` })
    } else if (limits.silenceMs > 0 && !paused && time - lastReceivedAt >= limits.silenceMs) {
      finish({ code: 'silent', message: `${name} was silent for ${limits.silenceMs} ms` })
    } else if (limits.keepaliveMs > 0 && time - lastSentAt >= limits.keepaliveMs && outbox.bytes === 0) {
      push(frameKind.ping)
    }
  }

  function breakOff(wrong: ProtocolFault): void {
    finish({ code: 'protocol', message: `${name} broke the protocol: ${wrong.code}, ${wrong.detail}` })
  }

  /** The one way in which a channel ends. */
  function finish(reason: ChannelEnd): void {
    if (end !== undefined) return
    end = reason
    clearInterval(heartbeat)
    outgoing.failAll(reason.message)
    incoming.abandonAll()
    share?.close()
    outbox.clear()
    onQuiet?.()
    const orderly = reason.code === 'closed' || reason.code === 'goodbye'
    // Nobody waits for the transport: what it still has to say is that the other end has gone.
    if (orderly) transport.close().catch(() => transport.abort(new Error(reason.message)))
    else transport.abort(new Error(reason.message))
    ended.resolve(reason)
  }

  function onTransportEnd(error?: Error): void {
    if (farewell !== undefined) {
      finish({ code: 'goodbye', message: `${name} closed the connection: ${farewell.message}`, goodbye: farewell })
    } else if (closing !== undefined) {
      finish({ code: 'closed', message: 'the connection was closed here' })
    } else {
      const why = error === undefined ? 'it ended without a goodbye' : messageOf(error)
      finish({ code: 'broken', message: `the connection to ${name} broke: ${why}` })
    }
  }

  async function closeNow(goodbye: Goodbye, waitMs: number): Promise<void> {
    incoming.refuseAll('the connection is closing')
    push(frameKind.goodbye, encodeGoodbye(goodbye))
    if (waitMs > 0 && (outgoing.size > 0 || incoming.size > 0)) await atMost(waitMs, quiet => (onQuiet = quiet))
    await atMost(limits.closeMs, sent => void outbox.idle().then(sent))
    finish({ code: 'closed', message: `the connection was closed here: ${goodbye.message}` })
  }

  function refuse(goodbye: Goodbye): Promise<void> {
    closing ??= closeNow(goodbye, 0).then(() => undefined)
    return closing
  }

  transport.listen({
    data(chunk) {
      lastReceivedAt = now()
      bytesReceived += chunk.byteLength
      if (end !== undefined) return
      const wrong = decoder.push(chunk)
      if (wrong !== undefined) breakOff(wrong)
      adjustReading()
    },
    drain: () => outbox.drained(),
    end: onTransportEnd
  })

  return {
    request(header, body, options) {
      if (end !== undefined || closing !== undefined || farewell !== undefined) {
        const why = end?.message ?? `the connection to ${name} is closing`
        return Promise.reject(new CallError('Unreachable', { message: why }))
      }
      return outgoing.request(header, body, options?.signal)
    },
    sendHello: payload => push(frameKind.hello, payload),
    get open() {
      return end === undefined && closing === undefined && farewell === undefined
    },
    closed: ended.promise,
    counters: () => ({
      framesSent: outbox.frames,
      framesReceived,
      bytesSent: outbox.bytesSent,
      bytesReceived,
      sends: outbox.sends,
      pending: outgoing.size,
      serving: incoming.size,
      bytesQueued: outbox.bytes
    }),
    close(goodbye = { code: 'Closing', message: 'it is done' }) {
      closing ??= closeNow(goodbye, limits.closeMs)
      return closing
    },
    abort: reason => finish({ code: 'broken', message: reason })
  }
}

/** Resolves when `start`'s callback is called, or after the time. */
function atMost(ms: number, start: (done: () => void) => void): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    start(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const nothing = new Uint8Array(0)
const pingBytesMax = 64
