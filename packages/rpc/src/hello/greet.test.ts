import { describe, expect, it } from 'vitest'
import { memoryTransportPair } from '../../test/memory-transport.js'
import { createChannel } from '../channel/channel.js'
import { greet } from './greet.js'
import { encodeHello, parseHello, type Hello } from './hello.js'

const hello: Hello = {
  format: { min: 1, max: 1 },
  network: 'ab'.repeat(32),
  role: 'peer',
  versions: [[1, '0123456789abcdef']],
  instar: '0.1.0'
}
const request = { version: 1, className: 'set', method: 'size', seq: 0, doneBelow: 0, remainingMs: 1000 }

describe('a greeting', () => {
  it('tells both ends who the other is, and later what changed', async () => {
    const [a, b] = memoryTransportPair()
    const updates: Hello[] = []
    const [left, right] = await Promise.all([
      greet({ transport: a, hello, onUpdate: update => updates.push(update) }),
      greet({ transport: b, hello: { ...hello, role: 'client' }, onCall: async (_, body) => body })
    ])
    expect([left.hello.role, right.hello.role, left.format]).toEqual(['client', 'peer', 1])
    right.channel.sendHello(encodeHello({ ...hello, served: [1, 2] }))
    await left.channel.request(request, new Uint8Array(1))
    expect(updates).toMatchObject([{ served: [1, 2] }])
    expect(left.hello.served).toEqual([1, 2])
  })

  it('refuses another network at both ends, with a sentence', async () => {
    const [a, b] = memoryTransportPair()
    const outcomes = await Promise.allSettled([
      greet({ transport: a, hello }),
      greet({ transport: b, hello: { ...hello, network: 'cd'.repeat(32) } })
    ])
    const wrong = {
      status: 'rejected',
      reason: { code: 'WrongNetwork', message: expect.stringMatching(/network/) as string }
    }
    expect(outcomes).toMatchObject([wrong, wrong])
  })

  it('speaks the highest format of both, and refuses when there is none', async () => {
    const [a, b] = memoryTransportPair()
    const wide = greet({ transport: a, hello: { ...hello, format: { min: 1, max: 3 } } })
    const narrow = greet({ transport: b, hello: { ...hello, format: { min: 2, max: 2 } } })
    expect([(await wide).format, (await narrow).format]).toEqual([2, 2])

    const [c, d] = memoryTransportPair()
    const old = greet({ transport: c, hello })
    const recent = greet({ transport: d, hello: { ...hello, format: { min: 2, max: 3 } } })
    const outcomes = await Promise.allSettled([old, recent])
    expect(outcomes).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
  })

  it('refuses a call that comes before the hello', async () => {
    const [a, b] = memoryTransportPair()
    const rude = createChannel({ transport: a })
    void greet({ transport: b, hello, onCall: async (_, body) => body }).catch(() => undefined)
    await expect(rude.request(request, new Uint8Array(0))).rejects.toMatchObject({ code: 'UnknownVersion' })
    rude.abort('done')
  })

  it('does not wait for ever', async () => {
    const [a] = memoryTransportPair()
    await expect(greet({ transport: a, hello, timeoutMs: 5 })).rejects.toMatchObject({ code: 'Timeout' })
    const [b] = memoryTransportPair()
    await expect(greet({ transport: b, hello, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'Stopped' })
  })
})

describe('a hello', () => {
  it('is rejected when a field is wrong, and read when a later release adds one', () => {
    const text = (fields: object): Uint8Array => Buffer.from(JSON.stringify({ ...hello, ...fields }))
    expect(parseHello(text({ network: 'x' })).verdict).toBe('reject')
    expect(parseHello(text({ versions: Array.from({ length: 65 }, () => [1, '0123456789abcdef']) })).verdict).toBe(
      'reject'
    )
    expect(parseHello(Buffer.alloc(20_000, 0x20)).verdict).toBe('reject')
    expect(parseHello(text({ colour: 'red' }))).toMatchObject({ verdict: 'accept', value: { network: hello.network } })
  })
})
