import { setImmediate } from 'node:timers/promises'
import type { BundleState, PeerControl, RehearsalReport } from '../../src/control/peer-control.js'
import type { PeerEvent } from '../../src/control/schema/events.js'
import type { PeerStatus } from '../../src/control/schema/status.js'

export const someBundle = 'b'.repeat(64)

export const someStatus: PeerStatus = {
  peer: '12D3KooWself',
  network: 'a'.repeat(64),
  class: 'int-set',
  groups: ['north'],
  instar: '0.1.0',
  epoch: 2,
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
    freshUntil: '2026-01-08T00:00:00.000Z',
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
    { version: 1, title: 'Genesis', phase: 'committed', since: '2026-01-01T00:00:00.000Z', held: false },
    {
      version: 2,
      title: 'Colours',
      phase: 'waiting',
      reason: 'rolling: 1 of 1 is upgrading',
      since: '2026-01-01T00:01:00.000Z',
      held: false,
      progress: { stage: 'loaded', done: 1, total: 2 },
      lastPauseMs: 12
    }
  ],
  host: { pid: 4711, plan: 3, uptimeMs: 60_000, restarts: 0, heldCalls: 0 },
  peers: [
    {
      peer: '12D3KooWother',
      class: 'int-set',
      groups: ['north'],
      instar: '0.0.0',
      running: 1,
      floor: 1,
      served: [1, 2],
      versions: [{ version: 2, phase: 'transforming' }],
      lastHeardMs: 250,
      reachable: true,
      connected: true,
      admitted: true
    }
  ],
  problems: [],
  needed: [],
  callsPerVersion: { 1: { calls: 10, disallowed: 0, errors: 0 }, 2: { calls: 4, disallowed: 1, errors: 0 } }
}

const someRehearsal: RehearsalReport = {
  version: 2,
  stateVersion: 1,
  entries: 1000,
  files: 0,
  bytesBefore: 64_000,
  entriesAfter: 2000,
  bytesAfter: 80_000,
  diskBytes: 160_000,
  copyMs: 40,
  transformMs: 30,
  pauseMs: 55,
  elapsedMs: 2100,
  runs: 3,
  unread: []
}

export interface FakePeerControl extends PeerControl {
  /** What was asked for, in order: `approve 2`. */
  readonly asked: string[]
  readonly emit: (event: PeerEvent) => void
  /** Resolves once somebody listens to events. */
  readonly watched: () => Promise<void>
  /** Lets the next operation throw this. */
  failWith: unknown
}

/** A peer that answers everything with the same few values and remembers what it was asked. */
export function createFakePeerControl(): FakePeerControl {
  const listeners = new Set<(event: PeerEvent) => void>()
  const note = (text: string) => {
    fake.asked.push(text)
    const thrown = fake.failWith
    fake.failWith = undefined
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a test says what
    if (thrown !== undefined) throw thrown
  }
  const state = (missing: string[]): BundleState => ({ id: someBundle, complete: missing.length === 0, missing })

  const fake: FakePeerControl = {
    asked: [],
    failWith: undefined,
    emit: event => listeners.forEach(listener => listener(event)),
    async watched() {
      while (listeners.size === 0) await setImmediate()
    },
    status() {
      note('status')
      return someStatus
    },
    why(peer) {
      note(`why ${peer ?? 'self'}`)
      return {
        peer: peer ?? someStatus.peer,
        self: peer === undefined,
        summary: 'Version 2 waits.',
        facades: [],
        versions: [
          {
            version: 2,
            title: 'Colours',
            phase: 'waiting',
            summary: 'Waits for its turn.',
            gates: [
              { gate: 'limit', open: false, reason: 'one is upgrading', rule: 'R17', waitsFor: ['12D3KooWother'] }
            ]
          }
        ],
        faults: []
      }
    },
    approve: async (version, options) => note(`approve ${version}${options?.now === true ? ' now' : ''}`),
    hold: async target => note(`hold ${target}`),
    resume: async target => note(`resume ${target}`),
    async rehearse(version) {
      note(`rehearse ${version ?? 'next'}`)
      return someRehearsal
    },
    async collectGarbage({ dryRun }) {
      note(`gc ${dryRun}`)
      return { dryRun, removed: [], later: [], kept: [], failed: [] }
    },
    policy() {
      note('policy')
      return [{ rule: 'highestVersion', value: 3, from: 'file' }]
    },
    async changePolicy(change) {
      note(`changePolicy ${JSON.stringify(change)}`)
      return [{ rule: 'highestVersion', from: 'operator' }]
    },
    unpark: async () => note('unpark'),
    goBack: async version => note(`goBack ${version}`),
    async submit({ documents, descriptor }) {
      note(`submit ${documents.map(each => each.byteLength).join('+')} descriptor ${descriptor?.byteLength ?? 'none'}`)
      return documents.map((_, i) => ({ document: `document ${i + 1}`, verdict: 'accept' as const }))
    },
    async submitCertificate(bytes) {
      note(`submitCertificate ${bytes.byteLength}`)
      const notBefore = '2026-01-01T00:00:00.000Z'
      const expires = '2026-03-01T00:00:00.000Z'
      return {
        peer: '12D3KooWother',
        certificate: { serial: '0'.repeat(32), class: 'Set', groups: ['north'], notBefore, expires },
        outcome: 'waits' as const
      }
    },
    async catchUp() {
      note('catchUp')
      return [
        { peer: '12D3KooWother', heads: { targets: { version: 3, hash: 'cc' } } },
        { peer: '12D3KooWsilent', failure: 'It did not answer.' }
      ]
    },
    async trustDocuments() {
      note('trustDocuments')
      return { documents: [new Uint8Array([1, 2, 3])], descriptors: [new Uint8Array([255])] }
    },
    async announcements() {
      note('announcements')
      return [{ envelope: new Uint8Array([7]), ageMs: 60_000 }]
    },
    async hear(announcements) {
      note(`hear ${announcements.map(({ envelope, ageMs }) => `${envelope.byteLength} bytes ${ageMs} ms`).join()}`)
      return [{ document: 'announcement 1', verdict: 'ignore' as const, code: 'Known', detail: 'it is here' }]
    },
    async bundle(id) {
      note(`bundle ${id.slice(0, 4)}`)
      return state(['a.js'])
    },
    async putManifest(_id, manifest) {
      note(`putManifest ${manifest.byteLength} bytes`)
      return state(['a.js'])
    },
    async putFile(_id, path, bytes) {
      let count = 0
      for await (const part of bytes) count += part.byteLength
      note(`putFile ${path} ${count} bytes`)
      return state([])
    },
    ticket() {
      note('ticket')
      return 'instar1abc'
    },
    metrics: async () => 'instar_calls_total 1\n',
    async contract(request) {
      note(`contract ${JSON.stringify(request)}`)
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
    async call(request) {
      note(`call ${JSON.stringify(request)}`)
      return { result: { contains: [true] }, peer: '12D3KooWother', version: 2, durationMs: 1.5 }
    },
    async log(linesMax) {
      note(`log ${linesMax}`)
      return ['one', 'two']
    },
    stop: () => note('stop'),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
  return fake
}
