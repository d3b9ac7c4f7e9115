import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CallHeader } from '../call/call-header.js'
import type { CallHandler } from '../channel/call-handler.js'
import { createChannel, type Channel } from '../channel/channel.js'
import { fromSocket } from './socket.js'

const header: CallHeader = {
  version: 1,
  className: 'set',
  method: 'insert',
  seq: 0,
  doneBelow: 0,
  remainingMs: 10_000,
  revision: 1,
  caller: 'me'
}

let directory: string
let listener: Server

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-rpc-'))
})
afterEach(async () => {
  await new Promise(resolve => listener.close(resolve))
  await rm(directory, { recursive: true })
})

async function connected(
  onCall: CallHandler
): Promise<{ caller: Channel; server: Channel; socket: Socket; serverSocket: Socket }> {
  const path = join(directory, 's')
  const accepted = Promise.withResolvers<Socket>()
  listener = createServer({ allowHalfOpen: false }, socket => accepted.resolve(socket))
  await new Promise<void>(resolve => listener.listen(path, resolve))
  const socket = connect(path)
  const serverSocket = await accepted.promise
  const server = createChannel({ transport: fromSocket(serverSocket), onCall })
  return { caller: createChannel({ transport: fromSocket(socket) }), server, socket, serverSocket }
}

describe('a channel over a unix socket', () => {
  it('carries calls with the fields of the host', async () => {
    const { caller, server } = await connected(async ({ revision, caller }, body) =>
      Buffer.from(`${revision} ${caller} ${body.length}`)
    )
    expect(Buffer.from(await caller.request(header, Buffer.alloc(1_000_000))).toString()).toBe('1 me 1000000')
    await caller.close()
    expect(await server.closed).toMatchObject({ code: 'goodbye' })
  })

  it('ends at once when the process at the other end is killed', async () => {
    const { caller, serverSocket } = await connected(() => new Promise(() => undefined))
    const call = caller.request(header, Buffer.alloc(10))
    const failed = expect(call).rejects.toMatchObject({ code: 'Unreachable', detail: { executed: 'unknown' } })
    await vi.waitFor(() => expect(serverSocket.bytesRead).toBeGreaterThan(0))
    serverSocket.destroy()
    await failed
    expect(await caller.closed).toMatchObject({ code: 'broken' })
  })

  it('stops sending to a reader that does not read', async () => {
    const { caller, server, socket } = await connected(async () => Buffer.alloc(1_000_000))
    socket.pause()
    const calls = Promise.all(Array.from({ length: 60 }, () => caller.request(header, Buffer.alloc(10))))
    await vi.waitFor(() => expect(server.counters().bytesQueued).toBeGreaterThan(50_000_000))
    // What the kernel took, and what Node holds after the first `false`, is all that left the queue.
    expect(server.counters().bytesSent).toBeLessThan(2_000_000)
    socket.resume()
    expect(await calls).toHaveLength(60)
    caller.abort('done')
    server.abort('done')
  })
})
