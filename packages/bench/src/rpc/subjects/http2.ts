import { once } from 'node:events'
import { connect, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Echo } from '../driver/drive.js'
import { createSelfSigned } from './self-signed.js'
import type { Target } from './target.js'

/** What a call costs over HTTP/2 and TLS by themselves: one connection, one stream per call, no description of messages. */
const hostName = 'localhost'

export async function serveHttp2(): Promise<Target> {
  const { certificate, privateKey } = createSelfSigned({ hostName })
  const server = createSecureServer({ cert: certificate, key: privateKey })
  server.on('stream', stream => {
    const pieces: Buffer[] = []
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('end', () => {
      stream.respond({ ':status': 200 })
      stream.end(Buffer.concat(pieces))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { kind: 'http2', address: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, certificate }
}

export async function connectHttp2(address: string, certificate: string): Promise<Echo> {
  const session = connect(address, { ca: certificate, servername: hostName })
  await once(session, 'connect')
  return bytes =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ':path': '/echo' })
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => resolve(Buffer.concat(pieces)))
      stream.on('error', reject)
      stream.end(bytes)
    })
}
