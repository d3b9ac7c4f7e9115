import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { gossipLimits } from './limits.js'
import { pacedRegistrar } from './paced-streams.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

class FakeStream extends EventTarget {
  readStatus: 'readable' | 'paused' = 'readable'
  maxReadBufferLength = 1
  pause(): void {
    this.readStatus = 'paused'
  }
  resume(): void {
    this.readStatus = 'readable'
  }
  bring(bytes: number): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8Array(bytes) }))
  }
}

async function opened(count: number): Promise<FakeStream[]> {
  const handlers: StreamHandler[] = []
  const registrar = { handle: async (_protocol: string, handler: StreamHandler) => void handlers.push(handler) }
  const paced = pacedRegistrar(registrar as never, () => Date.now())
  await paced.handle('/gossip/1', () => undefined)
  const connection = { remotePeer: { toString: () => 'flooder' } } as Connection
  const streams = Array.from({ length: count }, () => new FakeStream())
  for (const stream of streams) await handlers[0]!(stream as never as Stream, connection)
  await vi.advanceTimersByTimeAsync(1)
  return streams
}

test('a flood of gossip waits for the pace at which one neighbour is read, and nothing of it is dropped', async () => {
  const [stream] = await opened(1)
  stream!.bring(gossipLimits.bytesAtOnce)
  expect(stream!.readStatus).toBe('readable')
  stream!.bring(gossipLimits.bytesPerSecond * 3)
  expect(stream!.readStatus).toBe('paused')
  await vi.advanceTimersByTimeAsync(2900)
  expect(stream!.readStatus).toBe('paused')
  await vi.advanceTimersByTimeAsync(200)
  expect(stream!.readStatus).toBe('readable')
})

test('a second stream of the same peer gets nothing more', async () => {
  const [first, second] = await opened(2)
  first!.bring(gossipLimits.bytesAtOnce)
  second!.bring(1000)
  expect([first!.readStatus, second!.readStatus]).toEqual(['readable', 'paused'])
})
