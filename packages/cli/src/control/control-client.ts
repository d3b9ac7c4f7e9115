import { request, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { Json } from '@instar/core'
import type {
  BundleState,
  CallAnswer,
  CallRequest,
  CarriedAnnouncement,
  CertificateAnswer,
  ContractRequest,
  ControlEvent,
  DescribedContract,
  DocumentVerdict,
  GarbageReport,
  HoldTarget,
  NeighbourHeads,
  PeerStatus,
  RehearsalReport,
  PolicyChange,
  ShownRule,
  Submission,
  TrustDocuments,
  Why
} from '@instar/node/control'
import { readEvents } from './event-reader.js'
import { toRemoteError } from './remote-error.js'

/** The control API of one running peer, typed. Every operation throws what the peer threw. */
export interface ControlClient {
  status: () => Promise<PeerStatus>
  why: (peer?: string) => Promise<Why>
  ticket: () => Promise<string>
  log: (linesMax: number) => Promise<readonly string[]>
  approve: (version: number, options?: { readonly now?: boolean }) => Promise<void>
  hold: (target: HoldTarget) => Promise<void>
  resume: (target: HoldTarget) => Promise<void>
  /** Takes as long as it takes; given up, it ends. */
  rehearse: (version?: number) => Promise<RehearsalReport>
  /** Waits until it is done. */
  collectGarbage: (options: { readonly dryRun: boolean }) => Promise<GarbageReport>
  policy: () => Promise<readonly ShownRule[]>
  changePolicy: (change: PolicyChange) => Promise<readonly ShownRule[]>
  unpark: () => Promise<void>
  goBack: (version: number) => Promise<void>
  call: (call: CallRequest) => Promise<CallAnswer>
  contract: (request: ContractRequest) => Promise<DescribedContract>
  catchUp: () => Promise<readonly NeighbourHeads[]>
  trustDocuments: () => Promise<TrustDocuments>
  submitCertificate: (bytes: Uint8Array) => Promise<CertificateAnswer>
  submit: (submission: Submission) => Promise<readonly DocumentVerdict[]>
  announcements: () => Promise<readonly CarriedAnnouncement[]>
  hear: (announcements: readonly CarriedAnnouncement[]) => Promise<readonly DocumentVerdict[]>
  bundle: (id: string) => Promise<BundleState>
  putManifest: (id: string, manifest: Uint8Array) => Promise<BundleState>
  /** Sent as it comes. */
  putFile: (id: string, path: string, bytes: Uint8Array | AsyncIterable<Uint8Array>) => Promise<BundleState>
  stop: () => Promise<void>
  /** What happens from now on, the status first; ends when the peer stops. */
  events: () => AsyncGenerator<ControlEvent>
}

/** @param signal ends every operation of the client */
export function createControlClient(socketPath: string, signal?: AbortSignal): ControlClient {
  const open = (method: string, path: string, body?: Body) => send({ socketPath, method, path, signal }, body)
  const ask = async <T>(method: string, path: string, body?: Body): Promise<T> =>
    (await json(await open(method, path, body))) as T
  const targetOf = (target: HoldTarget) => (target === 'all' ? {} : { version: target })

  return {
    status: () => ask('GET', '/v1/status'),
    why: peer => ask('GET', `/v1/why${peer === undefined ? '' : `?peer=${encodeURIComponent(peer)}`}`),
    ticket: async () => (await ask<{ ticket: string }>('GET', '/v1/ticket')).ticket,
    log: async linesMax => (await ask<{ lines: string[] }>('GET', `/v1/log?lines=${linesMax}`)).lines,
    approve: (version, { now = false } = {}) => ask('POST', '/v1/approve', { version, now }),
    goBack: version => ask('POST', '/v1/go-back', { version }),
    hold: target => ask('POST', '/v1/hold', targetOf(target)),
    resume: target => ask('POST', '/v1/resume', targetOf(target)),
    policy: async () => (await ask<{ rules: ShownRule[] }>('GET', '/v1/policy')).rules,
    changePolicy: async change =>
      (await ask<{ rules: ShownRule[] }>('POST', '/v1/policy', change as unknown as Json)).rules,
    unpark: () => ask('POST', '/v1/unpark'),
    collectGarbage: options => ask('POST', '/v1/gc', options),
    rehearse: version => ask('POST', '/v1/rehearsals', version === undefined ? {} : { version }),
    contract: request => ask('GET', `/v1/contract?${toQuery(request)}`),
    call: call => ask('POST', '/v1/calls', { ...call } as Json),
    catchUp: async () => (await ask<{ peers: NeighbourHeads[] }>('POST', '/v1/catch-up')).peers,
    async trustDocuments() {
      const trusted = await ask<{ documents: string[]; descriptors: string[] }>('GET', '/v1/trust')
      return { documents: trusted.documents.map(fromBase64), descriptors: trusted.descriptors.map(fromBase64) }
    },
    async submit({ documents, descriptor }) {
      const body = {
        documents: documents.map(toBase64),
        ...(descriptor === undefined ? {} : { descriptor: toBase64(descriptor) })
      }
      return (await ask<{ verdicts: DocumentVerdict[] }>('POST', '/v1/documents', body)).verdicts
    },
    async announcements() {
      const { announcements } = await ask<SaidBody>('GET', '/v1/announcements')
      return announcements.map(({ envelope, ageMs }) => ({ envelope: fromBase64(envelope), ageMs }))
    },
    async hear(said) {
      const announcements = said.map(({ envelope, ageMs }) => ({ envelope: toBase64(envelope), ageMs }))
      return (await ask<{ verdicts: DocumentVerdict[] }>('POST', '/v1/announcements', { announcements })).verdicts
    },
    submitCertificate: bytes => ask('POST', '/v1/certificates', { certificate: toBase64(bytes) }),
    bundle: id => ask('GET', `/v1/bundles/${id}`),
    putManifest: (id, manifest) => ask('PUT', `/v1/bundles/${id}/manifest`, manifest),
    putFile: (id, path, bytes) => ask('PUT', `/v1/bundles/${id}/file?path=${encodeURIComponent(path)}`, bytes),
    stop: () => ask('POST', '/v1/stop'),
    async *events() {
      yield* readEvents(await open('GET', '/v1/events'))
    }
  }
}

interface SaidBody {
  readonly announcements: ReadonlyArray<{ readonly envelope: string; readonly ageMs: number }>
}

interface Target {
  readonly socketPath: string
  readonly method: string
  readonly path: string
  readonly signal: AbortSignal | undefined
}

type Body = Json | Uint8Array | AsyncIterable<Uint8Array>

async function send({ signal, ...target }: Target, body?: Body): Promise<IncomingMessage> {
  const isStream = isAsyncIterable(body)
  const isBytes = isStream || body instanceof Uint8Array
  const payload = body === undefined || isBytes ? body : JSON.stringify(body)
  const headers = {
    ...(payload === undefined ? {} : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
    ...(payload === undefined || isStream
      ? {}
      : { 'content-length': Buffer.byteLength(payload as string | Uint8Array) })
  }
  const response = await new Promise<IncomingMessage>((resolve, fail) => {
    const asked = request({ ...target, headers, ...(signal === undefined ? {} : { signal }) }, resolve).on(
      'error',
      fail
    )
    // An answer may come before everything is sent: then the rest is not wanted.
    if (isStream) pipeline(Readable.from(body), asked).catch(fail)
    else asked.end(payload)
  })
  const status = response.statusCode ?? 0
  if (status < 300) return response
  const failure: unknown = await json(response).catch(() => undefined)
  throw toRemoteError(failure, status)
}

function isAsyncIterable(body: Body | undefined): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

function toQuery(fields: object): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)]))).toString()
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}
