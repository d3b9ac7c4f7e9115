import {
  credentials,
  makeClientConstructor,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import type { Echo } from '../driver/drive.js'
import { createSelfSigned } from './self-signed.js'
import type { Target } from './target.js'

interface Message {
  readonly bytes: Uint8Array
}

/** `service Bench { rpc Echo (Message) returns (Message) }`, `message Message { bytes bytes = 1 }` */
const service = fromJSON({
  nested: {
    Message: { fields: { bytes: { type: 'bytes', id: 1 } } },
    Bench: { methods: { Echo: { requestType: 'Message', responseType: 'Message', comment: '' } } }
  }
})['Bench'] as ServiceDefinition

const hostName = 'localhost'

export async function serveGrpc(): Promise<Target> {
  const { certificate, privateKey } = createSelfSigned({ hostName })
  const server = new Server()
  server.addService(service, {
    Echo: ({ request }: ServerUnaryCall<Message, Message>, answer: sendUnaryData<Message>) => answer(null, request)
  })
  const tls = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(certificate), private_key: Buffer.from(privateKey) }
  ])
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', tls, (error, bound) => (error === null ? resolve(bound) : reject(error)))
  })
  return { kind: 'grpc', address: `127.0.0.1:${port}`, certificate }
}

export async function connectGrpc(address: string, certificate: string): Promise<Echo> {
  const Client = makeClientConstructor(service, 'Bench')
  const client = new Client(address, credentials.createSsl(Buffer.from(certificate)), {
    'grpc.ssl_target_name_override': hostName
  })
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 10_000, error => (error === undefined ? resolve() : reject(error)))
  })
  const echo = (client['Echo'] as UnaryMethod).bind(client)
  return bytes =>
    new Promise((resolve, reject) => {
      echo({ bytes }, (error, answer) => {
        if (error !== null) reject(error)
        else resolve((answer as Message).bytes)
      })
    })
}

type UnaryMethod = (message: Message, answered: (error: Error | null, answer?: Message) => void) => void
