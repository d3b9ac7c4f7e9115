import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTicket } from '@instar/core'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDataDirectory } from '../store/data-directory.js'
import { createPeer, type Peer } from './peer.js'

let dataDirectory: string
beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'instar-peer-'))
})
afterEach(() => rm(dataDirectory, { recursive: true }))

/** A peer that knows of no other; `hear` gets what it logs. */
function newPeer(hear: (message: string) => void): Promise<Peer> {
  const log = pino({}, { write: line => hear((JSON.parse(line) as { msg: string }).msg) })
  const ticket = encodeTicket({ network: 'ab'.repeat(32), addresses: [] })
  return createPeer({ dataDirectory, ticket, listen: ['/ip4/127.0.0.1/tcp/0'], log })
}

async function expectGone(peer: Peer): Promise<void> {
  await peer.stopped
  expect(peer.addresses()).toEqual([])
  await expect(access(join(dataDirectory, 'control.sock'))).rejects.toMatchObject({ code: 'ENOENT' })
  await (await openDataDirectory(dataDirectory)).close()
}

test.each(['at once', 'when it listens'])('stopped while it starts, %s, it ends whole', async when => {
  const messages: string[] = []
  const listening = Promise.withResolvers<undefined>()
  const peer = await newPeer(message => {
    messages.push(message)
    if (message === 'listening') listening.resolve(undefined)
  })
  const started = expect(peer.start()).rejects.toMatchObject({ code: 'Stopped' })
  if (when === 'when it listens') await listening.promise
  await peer.stop()
  await started
  expect(messages).not.toContain('the peer has started')
  expect(messages.at(-1)).toBe('the peer has stopped')
  await expectGone(peer)
})

test('started and stopped, it leaves nothing behind', async () => {
  const peer = await newPeer(() => {})
  await peer.start()
  expect(peer.addresses()).toHaveLength(1)
  await Promise.all([peer.stop(), peer.stop()])
  await expectGone(peer)
})
