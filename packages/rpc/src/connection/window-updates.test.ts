import type { MessageStream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { heldBytesMax, holdWindowUpdates } from './window-updates.js'

/** Frames as Yamux writes them. */
const frame = (type: number, flags: number, stream: number, length: number): Uint8Array => {
  const bytes = Buffer.alloc(12)
  bytes[1] = type
  bytes.writeUInt16BE(flags, 2)
  bytes.writeUInt32BE(stream, 4)
  bytes.writeUInt32BE(length, 8)
  return bytes
}
const update = (stream: number, bytes: number, flags = 0) => frame(1, flags, stream, bytes)
const data = (stream: number) => frame(0, 0, stream, 0)

function createConnection() {
  const sent: string[] = []
  const connection = {
    writableNeedsDrain: false,
    send(bytes: { subarray(): Uint8Array }): boolean {
      sent.push(Buffer.from(bytes.subarray()).toString('hex'))
      return true
    }
  } as MessageStream
  return { sent, connection: holdWindowUpdates(connection) }
}
const hex = (...frames: Uint8Array[]): string => Buffer.concat(frames).toString('hex')

test('what several frames give back goes out as one frame per stream, before the next frame', () => {
  const { sent, connection } = createConnection()
  for (const bytes of [100, 200, 300]) expect(connection.send(update(1, bytes))).toBe(true)
  connection.send(update(2, 50))
  expect(sent).toEqual([])
  connection.send(data(1))
  expect(sent).toEqual([hex(update(1, 600), update(2, 50), data(1))])
  connection.send(data(1))
  expect(sent.slice(1)).toEqual([hex(data(1))])
})

test('half a window is given back at once, whether anything else is to be sent or not', () => {
  const { sent, connection } = createConnection()
  connection.send(update(1, heldBytesMax - 1))
  expect(sent).toEqual([])
  connection.send(update(1, 1))
  expect(sent).toEqual([hex(update(1, heldBytesMax))])
})

test('frames that open, confirm, end or reset a stream are not held', () => {
  const { sent, connection } = createConnection()
  for (const flags of [1, 2, 4, 8]) connection.send(update(3, 10, flags))
  expect(sent).toEqual([1, 2, 4, 8].map(flags => hex(update(3, 10, flags))))
})

test('a connection that is full says so also for what is held', () => {
  const { connection } = createConnection()
  connection.writableNeedsDrain = true
  expect(connection.send(update(1, 10))).toBe(false)
})

test('many streams that only read are not held for ever', () => {
  const { sent, connection } = createConnection()
  for (let stream = 1; stream <= 65; stream++) connection.send(update(stream, 10))
  expect(sent).toHaveLength(1)
})
