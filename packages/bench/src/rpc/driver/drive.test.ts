import { expect, test } from 'vitest'
import { drive } from './drive.js'

/** A clock that each call moves on by one millisecond per call under way. */
function createServer() {
  let time = 0
  let underWay = 0
  let mostUnderWay = 0
  return {
    now: () => time,
    most: () => mostUnderWay,
    async echo(bytes: Uint8Array): Promise<Uint8Array> {
      mostUnderWay = Math.max(mostUnderWay, ++underWay)
      await Promise.resolve()
      time++
      underWay--
      return bytes
    }
  }
}

test('keeps as many calls under way as asked for, until the time is over', async () => {
  const server = createServer()
  const sample = await drive({ ...server, load: { bytes: 10, inFlight: 4 }, durationMs: 100 })
  expect(server.most()).toBe(4)
  expect(sample).toEqual({ throughput: 1000, p50: 4, p99: 4, calls: 100 })
})

test('counts at least one call', async () => {
  const server = createServer()
  expect(await drive({ ...server, load: { bytes: 0, inFlight: 1 }, durationMs: 0 })).toMatchObject({ p50: 1 })
})

test('fails when an answer is not what was sent', async () => {
  const echo = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(3))
  const init = { echo, load: { bytes: 100, inFlight: 1 }, durationMs: 1, now: () => 0 }
  await expect(drive(init)).rejects.toThrow('3 bytes came back of 100')
})
