import { bundleId, encodeTicket, InstarError, parseManifest } from '@instar/core'
import { createControlServer } from '@instar/node'
import type { Garbage, NeighbourHeads, PeerControl, PeerEvent, PeerStatus } from '@instar/node/control'
import { emptyTrust, parseCertificate, trust, trustedUpgrades } from '@instar/signer'
import { pino } from 'pino'

const self = '12D3KooWGzAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAself'
const other = '12D3KooWGzBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBother'

export interface FakePeer extends PeerControl {
  /** What was asked for that changes something: `approve 2`. */
  readonly asked: string[]
  readonly changes: Partial<PeerStatus>
  /** What was handed in. */
  readonly certificates: Uint8Array[]
  readonly emit: (event: PeerEvent) => void
  /** What connected peers have that this one lacks: taken over when it catches up. */
  readonly ahead: Uint8Array[]
  /** What they say when they are asked; nobody is connected at first. */
  readonly neighbours: NeighbourHeads[]
  /** What a cleaning cannot remove. */
  readonly stuck: Garbage[]
  /** Thrown by the next call. */
  callFailure: Error | undefined
  readonly close: () => Promise<void>
}

/**
 * A peer that judges trust documents with the real signer, keeps bundles in memory, and has made up everything else; behind the real
 * control server in the given data directory.
 */
export async function startFakePeer(dataDirectory: string, network = 'a'.repeat(64)): Promise<FakePeer> {
  const listeners = new Set<(event: PeerEvent) => void>()
  const bundles = new Map<string, { paths: string[]; files: Set<string> }>()
  const documents: Uint8Array[] = []
  let state = emptyTrust(network)

  const bundleState = (id: string) => {
    const bundle = bundles.get(id)
    const missing = bundle?.paths.filter(path => !bundle.files.has(path)) ?? []
    return { id, complete: bundle !== undefined && missing.length === 0, missing }
  }
  const knownHere = (peer: string) => {
    if (peer !== self && peer !== other) throw new InstarError('BadInput', `${peer} is not known here.`)
    return peer
  }

  const control: PeerControl = {
    status: () => ({ ...someStatus(network), newest: Math.max(2, trustedUpgrades(state).length), ...fake.changes }),
    async rehearse(version = 2) {
      const measured = { copyMs: 20, transformMs: 30, pauseMs: 40, elapsedMs: 100, runs: 3 }
      const sizes = { entries: 7, files: 0, bytesBefore: 700, entriesAfter: 7, bytesAfter: 900, diskBytes: 900 }
      return { version, stateVersion: 1, ...sizes, ...measured, unread: [] }
    },
    async collectGarbage({ dryRun }) {
      const garbage = (name: string, bytes: number, because: string) => ({
        kind: 'bundle' as const,
        name,
        bytes,
        because
      })
      const none = { removed: [], later: [], failed: [] }
      const kept = [garbage('2 bundles', 3000, 'everything from version 1 on stays: this peer runs version 1')]
      fake.asked.push(dryRun ? 'gc --dry-run' : 'gc')
      if (dryRun) return { ...none, dryRun, removed: [garbage('c'.repeat(64), 2100, 'no version names it')], kept }
      return { ...none, dryRun, failed: fake.stuck, kept }
    },
    async submitCertificate(bytes) {
      const { serial, class: name, groups, notBeforeMs, expiresMs, peer } = parseCertificate(bytes, network)
      fake.certificates.push(bytes)
      const time = (ms: number): string => new Date(ms).toISOString()
      return {
        peer,
        certificate: {
          serial,
          class: name,
          groups: [...groups],
          notBefore: time(notBeforeMs),
          expires: time(expiresMs)
        },
        outcome: 'waits'
      }
    },
    why: (peer = self) => ({
      peer: knownHere(peer),
      self: peer === self,
      summary: 'It runs version 1; version 2 waits.',
      facades: [
        { version: 1, role: 'object' },
        { version: 2, role: 'future', model: 'shadowed' }
      ],
      versions: [
        {
          version: 2,
          title: 'Colours',
          phase: 'waiting',
          summary: 'It waits for its turn.',
          back: 'NONE: once a peer has upgraded it stays',
          gates: [
            { gate: 'trust', open: true, reason: 'Fresh.', waitsFor: [] },
            { gate: 'schedule', open: false, reason: 'One peer upgrades at a time.', rule: 'R16', waitsFor: [other] }
          ]
        }
      ],
      faults:
        peer === self
          ? [
              {
                class: 'Set',
                version: 2,
                role: 'future',
                method: 'paint',
                kind: 'OutOfContract',
                count: 3,
                last: new Date(Date.now() - 5000).toISOString(),
                cause: 'It threw.'
              }
            ]
          : []
    }),
    approve: async (version, options) =>
      void fake.asked.push(`approve ${version}${options?.now === true ? ' now' : ''}`),
    hold: async target => void fake.asked.push(`hold ${target}`),
    resume: async target => void fake.asked.push(`resume ${target}`),
    policy: () => [
      { rule: 'highestVersion', from: 'operator' },
      { rule: 'windows', from: 'file', value: [{ days: ['sat'], from: '22:00', to: '06:00', zone: 'Europe/Berlin' }] },
      { rule: 'oldStates', from: 'default', value: { keepMs: 604_800_000, bytesMax: 10 * 2 ** 30 } }
    ],
    async changePolicy(change) {
      fake.asked.push(`policy ${JSON.stringify(change)}`)
      return fake.policy()
    },
    unpark: async () => void fake.asked.push('unpark'),
    goBack: async version => void fake.asked.push(`goBack ${version}`),
    async submit(submission) {
      const all = [...submission.documents, ...(submission.descriptor === undefined ? [] : [submission.descriptor])]
      return all.map((document, i) => {
        const result = trust(state, document, Date.now())
        state = result.state
        if (result.verdict.verdict === 'accept') documents.push(document)
        const refusal =
          result.verdict.verdict === 'accept' ? {} : { code: result.verdict.code, detail: result.verdict.detail }
        return { document: `document ${i + 1}`, verdict: result.verdict.verdict, ...refusal }
      })
    },
    async catchUp() {
      await fake.submit({ documents: fake.ahead.splice(0) })
      return fake.neighbours
    },
    trustDocuments: async () => ({ documents, descriptors: [] }),
    announcements: async () => [],
    hear: async announcements =>
      announcements.map((_, i) => ({ document: `announcement ${i + 1}`, verdict: 'ignore' as const, code: 'Known' })),
    bundle: async id => bundleState(id),
    async putManifest(id, manifest) {
      const read = parseManifest(manifest, id)
      if (read.verdict !== 'accept' || bundleId(read.value) !== id) throw new InstarError('BundleInvalid', 'No.')
      bundles.set(id, { paths: read.value.files.map(file => file.path), files: new Set() })
      return bundleState(id)
    },
    async putFile(id, path, bytes) {
      let count = 0
      for await (const part of bytes) count += part.byteLength
      fake.asked.push(`putFile ${path} ${count > 0 ? 'with bytes' : 'empty'}`)
      bundles.get(id)?.files.add(path)
      return bundleState(id)
    },
    ticket: () => encodeTicket({ network, addresses: ['/ip4/127.0.0.1/tcp/4001'] }),
    metrics: async () => 'instar_calls_total 1\n',
    async contract(request) {
      return {
        peer: request.peer ?? '12D3KooWother',
        className: 'Set',
        version: request.version ?? 2,
        role: 'past',
        methods: [
          { name: 'contains', kind: 'query' },
          { name: 'size', kind: 'query', disallowed: 'nobody counts here' }
        ]
      }
    },
    async call({ peer, class: className, version, method, args }) {
      fake.asked.push(`call ${JSON.stringify([method, args, peer?.slice(-5), className, version])}`)
      if (fake.callFailure !== undefined) throw fake.callFailure
      return { result: { echo: args }, peer: peer ?? self, version: version ?? 1, durationMs: 2 }
    },
    log: async linesMax => [`${linesMax} lines were asked for`],
    stop: () => void fake.asked.push('stop'),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }

  const server = createControlServer({
    control,
    dataDirectory,
    instar: '0.0.0',
    log: pino({ enabled: false }),
    now: Date.now
  })
  const fake: FakePeer = {
    ...control,
    asked: [],
    ahead: [],
    stuck: [],
    neighbours: [],
    changes: {},
    certificates: [],
    callFailure: undefined,
    emit: event => listeners.forEach(listener => listener(event)),
    close: () => server.stop()
  }
  await server.start()
  return fake
}

function someStatus(network: string): PeerStatus {
  const since = new Date(Date.now() - 5000).toISOString()
  return {
    peer: self,
    network,
    class: 'int-set',
    groups: ['north'],
    instar: '0.0.0',
    epoch: 1,
    joined: true,
    addresses: ['/ip4/127.0.0.1/tcp/4001'],
    running: { version: 1, chainId: 'c'.repeat(16) },
    newest: 2,
    floor: 1,
    served: [1, 2],
    trust: {
      root: 1,
      targets: 2,
      timestamp: 5,
      freshUntil: '2030-01-01T00:00:00.000Z',
      fresh: true,
      expired: [],
      forks: [],
      forkSides: [],
      halts: [],
      decisions: []
    },
    admission: { policy: 'open', admitted: true, revoked: 0, groups: [] },
    audit: { seq: 12, hash: 'ab'.repeat(32) },
    versions: [
      { version: 1, title: 'Genesis', phase: 'committed', since, held: false },
      { version: 2, title: 'Colours', phase: 'waiting', reason: 'waits for …other', since, held: true }
    ],
    host: {
      pid: 4711,
      plan: 1,
      uptimeMs: 60_000,
      restarts: 0,
      heldCalls: 0,
      stateBytes: 12_345,
      outbox: { waiting: 2, delivered: 7, refused: 0, givenUp: 1 }
    },
    peers: [
      {
        peer: other,
        class: 'int-set',
        groups: [],
        instar: '0.0.0',
        running: 1,
        floor: 1,
        served: [1, 1],
        versions: [{ version: 2, phase: 'transforming' }],
        lastHeardMs: 250,
        reachable: true,
        connected: true,
        admitted: true
      }
    ],
    problems: ['The disk is nearly full.'],
    needed: [],
    callsPerVersion: { 1: { calls: 3, disallowed: 1, errors: 0 } }
  }
}
