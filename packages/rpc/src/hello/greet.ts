import { CallError, InstarError } from '@instar/core'
import type { CallHandler } from '../channel/call-handler.js'
import { createChannel, type Channel, type ChannelEnd, type ChannelInit } from '../channel/channel.js'
import { encodeHello, parseHello, type Hello } from './hello.js'

export interface GreetInit extends Omit<ChannelInit, 'onHello'> {
  readonly hello: Hello
  readonly onCall?: CallHandler
  /** The other end's hello, each time that it changed after the first. */
  readonly onUpdate?: (hello: Hello) => void
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface Greeted {
  readonly channel: Channel
  /** The newest hello of the other end. */
  readonly hello: Hello
  /** The format that both speak: the highest of both ranges (§16). */
  readonly format: number
}

/**
 * Opens a channel between peers: both ends send their hello at once and compare. Another network, or no format in common, ends the channel with a
 * goodbye that says so. A call that comes before the hello is refused.
 *
 * @throws InstarError WrongNetwork, Unreachable, Timeout
 */
export async function greet(init: GreetInit): Promise<Greeted> {
  const { hello: local, onCall, onUpdate, signal, timeoutMs = 10_000, ...channelInit } = init
  const name = init.name ?? 'the other end'
  const met = Promise.withResolvers<Greeted>()
  // The channel may end in the same tick; whoever waits below still hears of it.
  met.promise.catch(() => undefined)
  let greeted: { channel: Channel; hello: Hello; format: number } | undefined

  const channel = createChannel({
    ...channelInit,
    ...(onCall && {
      onCall: (header, body, context) => {
        if (greeted !== undefined) return onCall(header, body, context)
        return Promise.reject(new CallError('UnknownVersion', { message: 'a call came before the hello' }))
      }
    }),
    onHello(payload) {
      try {
        const hello = check(local, payload, name)
        if (greeted === undefined) {
          greeted = { channel, ...hello }
          met.resolve(greeted)
        } else {
          greeted.hello = hello.hello
          onUpdate?.(hello.hello)
        }
      } catch (thrown) {
        met.reject(thrown)
        throw thrown
      }
    }
  })
  channel.sendHello(encodeHello(local))
  void channel.closed.then(end => met.reject(toError(end, name)))
  const timer = setTimeout(() => {
    met.reject(new InstarError('Timeout', `${name} sent no hello within ${timeoutMs} ms`))
  }, timeoutMs)
  const onAbort = (): void => met.reject(new InstarError('Stopped', `nobody waits for ${name} any more`))
  if (signal?.aborted === true) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await met.promise
  } catch (thrown) {
    // A refusal is on its way as a goodbye; anything else is not worth one.
    if (!(thrown instanceof InstarError && refusals.has(thrown.code))) channel.abort('the greeting failed')
    throw thrown
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

const refusals: ReadonlySet<string> = new Set(['WrongNetwork', 'BadInput'])

/** @throws InstarError WrongNetwork, BadInput */
function check(local: Hello, payload: Uint8Array, name: string): { hello: Hello; format: number } {
  const parsed = parseHello(payload)
  if (parsed.verdict !== 'accept') {
    throw new InstarError('BadInput', `${name} sent a hello that cannot be read: ${parsed.detail}`)
  }
  const hello = parsed.value
  if (hello.network !== local.network) {
    throw new InstarError(
      'WrongNetwork',
      `${name} belongs to the network ${hello.network.slice(0, 16)}…, this end to ${local.network.slice(0, 16)}…: check the ticket or the address`
    )
  }
  const format = Math.min(hello.format.max, local.format.max)
  if (format < Math.max(hello.format.min, local.format.min)) {
    throw new InstarError(
      'BadInput',
      `${name} speaks formats ${hello.format.min} to ${hello.format.max} of calls, this end ${local.format.min} to ${local.format.max}: upgrade the older of the two`
    )
  }
  return { hello, format }
}

function toError(end: ChannelEnd, name: string): InstarError {
  if (end.goodbye?.code === 'WrongNetwork') {
    return new InstarError('WrongNetwork', `${name} refused: ${end.goodbye.message}`)
  }
  return new InstarError('Unreachable', end.message)
}
