import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { expect, test } from 'vitest'
import { createSelfSigned } from './self-signed.js'

test('makes a certificate that node reads, that its own key has signed, for the host and for now', () => {
  const { certificate } = createSelfSigned({ hostName: 'localhost' })
  const read = new X509Certificate(certificate)
  expect(read.verify(read.publicKey)).toBe(true)
  expect(read.checkHost('localhost')).toBe('localhost')
  expect(read.checkHost('example.org')).toBeUndefined()
  expect(read.validFromDate.getTime()).toBeLessThan(Date.now())
  expect(read.validToDate.getTime()).toBeGreaterThan(Date.now())
})

test('lets a TLS client in that knows the certificate, and no other', async () => {
  const { certificate, privateKey } = createSelfSigned({ hostName: 'localhost' })
  const server = createServer({ cert: certificate, key: privateKey }, socket => socket.end('hello')).listen(
    0,
    '127.0.0.1'
  )
  server.on('tlsClientError', () => undefined)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const options = { host: '127.0.0.1', port, servername: 'localhost' }
  try {
    const trusting = connect({ ...options, ca: certificate })
    expect(String((await once(trusting, 'data'))[0])).toBe('hello')
    const stranger = connect(options)
    expect((await once(stranger, 'error'))[0]).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  } finally {
    server.close()
  }
})
