import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CallError, InstarError } from '@instar/core'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask, open } from '../../test/control/control-client.js'
import { createFakePeerControl, someBundle, someStatus } from '../../test/control/fake-peer-control.js'
import { createControlServer } from './control-server.js'
import { findControlSocket } from './control-socket.js'
import { routes } from './routes/table.js'
import { components } from './schema/components.js'
import type { ControlEvent } from './schema/events.js'

let directory: string
let fake: ReturnType<typeof createFakePeerControl>
let server: ReturnType<typeof createControlServer>

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-control-'))
  fake = createFakePeerControl()
  server = serverIn(directory)
  await server.start()
})

afterEach(async () => {
  await server.stop()
  await rm(directory, { recursive: true })
})

const serverIn = (dataDirectory: string) =>
  createControlServer({ control: fake, dataDirectory, instar: '0.1.0', log: pino({ enabled: false }), now: () => 0 })
const send = async (method: string, path: string, body?: unknown) =>
  ask(await findControlSocket(directory), method, path, body)

/** One good request per route: path, body, what the peer is asked. */
const good: Record<string, [path: string, body: unknown, asked: string]> = {
  status: ['/v1/status', undefined, 'status'],
  why: ['/v1/why?peer=12D3KooWother', undefined, 'why 12D3KooWother'],
  contract: ['/v1/contract?class=Set&version=1', undefined, 'contract {"class":"Set","version":1,"timeoutMs":10000}'],
  ticket: ['/v1/ticket', undefined, 'ticket'],
  log: ['/v1/log?lines=5', undefined, 'log 5'],
  rehearse: ['/v1/rehearsals', { version: 2 }, 'rehearse 2'],
  collectGarbage: ['/v1/gc', { dryRun: true }, 'gc true'],
  approve: ['/v1/approve', { version: 2 }, 'approve 2'],
  hold: ['/v1/hold', {}, 'hold all'],
  goBack: ['/v1/go-back', { version: 2 }, 'goBack 2'],
  resume: ['/v1/resume', { version: 2 }, 'resume 2'],
  policy: ['/v1/policy', undefined, 'policy'],
  changePolicy: [
    '/v1/policy',
    { set: { highestVersion: null }, unset: ['windows'] },
    'changePolicy {"set":{"highestVersion":null},"unset":["windows"]}'
  ],
  unpark: ['/v1/unpark', undefined, 'unpark'],
  call: ['/v1/calls', { method: 'contains', args: [1] }, 'call {"method":"contains","args":[1],"timeoutMs":10000}'],
  stop: ['/v1/stop', undefined, 'stop'],
  catchUp: ['/v1/catch-up', undefined, 'catchUp'],
  trustDocuments: ['/v1/trust', undefined, 'trustDocuments'],
  submit: ['/v1/documents', { documents: ['AQID', 'AQ=='], descriptor: 'AQI=' }, 'submit 3+1 descriptor 2'],
  announcements: ['/v1/announcements', undefined, 'announcements'],
  hear: ['/v1/announcements', { announcements: [{ envelope: 'AQI=', ageMs: 9 }] }, 'hear 2 bytes 9 ms'],
  submitCertificate: ['/v1/certificates', { certificate: 'AQID' }, 'submitCertificate 3'],
  bundle: [`/v1/bundles/${someBundle}`, undefined, 'bundle bbbb'],
  putManifest: [`/v1/bundles/${someBundle}/manifest`, new Uint8Array(7), 'putManifest 7 bytes'],
  putFile: [`/v1/bundles/${someBundle}/file?path=lib/a.js`, new Uint8Array(600_000), 'putFile lib/a.js 600000 bytes']
}

describe('every route', () => {
  it.each(routes.map(route => [route.name, route] as const))(
    '%s asks the peer and answers by its schema',
    async (name, route) => {
      const [path, body, asked] = good[name]!
      const answer = await send(route.method, path, body)
      expect(answer.status).toBe(200)
      expect(components[route.answer].parse(answer.body)).toEqual(answer.body)
      expect(fake.asked).toEqual([asked])
    }
  )

  it('is described in the OpenAPI document', async () => {
    const { body } = await send('GET', '/openapi.json')
    const document = body as { openapi: string; paths: Record<string, Record<string, unknown>> }
    expect(document.openapi).toBe('3.1.0')
    for (const route of routes) expect(document.paths[route.path]).toHaveProperty(route.method.toLowerCase())
    expect(document.paths).toHaveProperty(['/v1/events', 'get'])
    expect(document.paths).toHaveProperty(['/metrics', 'get'])
    expect(document.paths).toHaveProperty(['/openapi.json', 'get'])
    await expect(JSON.stringify(document, undefined, 2) + '\n').toMatchFileSnapshot(
      '../../../../docs/control-api.openapi.json'
    )
  })
})

describe('bad input', () => {
  it.each([
    ['POST', '/v1/approve', {}, 'body.version'],
    ['POST', '/v1/approve', { version: 'two' }, 'body.version'],
    ['POST', '/v1/policy', { set: { highest: 3 } }, 'highest'],
    ['POST', '/v1/policy', { set: { windows: [{ days: ['sat'], from: '1:00', to: '02:00', zone: 'UTC' }] } }, 'from'],
    ['POST', '/v1/policy', { set: { windows: [{ days: ['sat'], from: '01:00', to: '02:00', zone: 'Mars' }] } }, 'Mars'],
    ['POST', '/v1/approve', undefined, 'body'],
    ['POST', '/v1/hold', { version: 0 }, 'body.version'],
    ['POST', '/v1/approve', '{"version":', 'JSON'],
    ['POST', '/v1/documents', { documents: ['not base64!'] }, 'body.documents.0'],
    ['POST', '/v1/calls', { method: '', args: [] }, 'body.method'],
    ['POST', '/v1/calls', { method: 'm', args: 'x' }, 'body.args'],
    ['GET', '/v1/log?lines=many', undefined, 'query.lines'],
    ['GET', '/v1/why?peer=', undefined, 'query.peer'],
    ['GET', '/v1/bundles/short', undefined, '64 hexadecimal digits'],
    ['PUT', `/v1/bundles/${someBundle}/manifest`, { not: 'bytes' }, 'application/octet-stream'],
    ['PUT', `/v1/bundles/${someBundle}/file`, new Uint8Array(1), 'query.path']
  ])('%s %s %j is refused with one sentence', async (method, path, body, named) => {
    const answer = await send(method, path, body)
    const { error } = components.Error.parse(answer.body)
    expect(answer.status).toBe(400)
    expect(error.code).toBe('BadInput')
    expect(error.message).toContain(named)
    expect(error.message).toMatch(/^[^\n]+\.$/)
    expect(fake.asked).toEqual([])
  })

  it('names the document that describes the API for an unknown path', async () => {
    const answer = await send('GET', '/v2/status')
    expect(answer.status).toBe(404)
    expect(answer.body).toMatchObject({
      error: { code: 'BadInput', message: expect.stringContaining('/openapi.json') as string }
    })
  })

  it('refuses a manifest that is larger than any', async () => {
    const answer = await send('PUT', `/v1/bundles/${someBundle}/manifest`, new Uint8Array(1024 * 1024 + 1))
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'BundleInvalid' } } })
  })
})

describe('failures of the peer', () => {
  it.each([
    [new InstarError('UnknownVersion', 'No version 9.', { detail: { version: 9 } }), 404, { version: 9 }],
    [new InstarError('DiskFull', 'The disk is full.'), 507, {}],
    [new InstarError('HostFailed', 'The host failed.'), 500, {}],
    [
      new CallError('Retired', { message: 'Version 1 is retired.', served: [2, 3] }),
      410,
      { served: [2, 3], executed: 'no' }
    ]
  ])('%s arrives with code, sentence and detail', async (thrown, status, detail) => {
    fake.failWith = thrown
    const answer = await send('POST', '/v1/approve', { version: 9 })
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ error: { code: thrown.code, message: thrown.message, detail } })
  })

  it('shows nothing but the message of what it does not know', async () => {
    fake.failWith = new TypeError('x is not a function')
    const answer = await send('GET', '/v1/ticket')
    expect(answer.status).toBe(500)
    expect(JSON.stringify(answer.body)).toMatch(/Internal.*x is not a function/)
    expect(JSON.stringify(answer.body)).not.toContain('.ts:')
  })
})

describe('events', () => {
  /** Reads the stream until `count` events have come. */
  async function readEvents(count: number, then: (event: ControlEvent) => void): Promise<ControlEvent[]> {
    const response = await open({ socketPath: await findControlSocket(directory), path: '/v1/events' })
    const events: ControlEvent[] = []
    for await (const line of createInterface({ input: response })) {
      if (!line.startsWith('data: ')) continue
      const event = components.ControlEvent.parse(JSON.parse(line.slice('data: '.length)))
      events.push(event)
      if (events.length === count) break
      then(event)
    }
    response.destroy()
    return events
  }

  it('begin with the status, tell what happens, and end with the status again', async () => {
    let told = false
    const events = await readEvents(4, () => {
      if (told) return
      told = true
      fake.emit({ type: 'phase', at: '2026-01-01T00:00:00.000Z', version: 2, phase: 'draining' })
      fake.emit({ type: 'stage', at: '2026-01-01T00:00:00.000Z', version: 2, stage: 'drained' })
    })
    expect(events.map(event => event.type)).toEqual(['status', 'phase', 'stage', 'status'])
    expect(events[0]).toMatchObject({ status: someStatus })
  })

  it('end when the server stops, which waits for no reader', async () => {
    const reading = readEvents(9, () => {})
    await fake.watched()
    await server.stop()
    expect((await reading).map(event => event.type)).toEqual(['status'])
  })
})

describe('the socket', () => {
  it('is for its owner only and is gone afterwards', async () => {
    const path = server.path!
    expect(path).toBe(join(directory, 'control.sock'))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await server.stop()
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })

  it('lies elsewhere, where it can be found, when the path of the data directory is too long', async () => {
    const deep = join(directory, 'a-long-name-'.repeat(9))
    await mkdir(deep)
    const far = serverIn(deep)
    await far.start()
    const path = await findControlSocket(deep)
    expect(path).toBe(far.path)
    expect(path).not.toContain(deep)
    expect((await ask(path, 'GET', '/v1/ticket')).status).toBe(200)
    await far.stop()
    await expect(stat(join(path, '..'))).rejects.toThrow('ENOENT')
    expect(await findControlSocket(deep)).toBe(join(deep, 'control.sock'))
  })

  it('of a killed peer is replaced', async () => {
    const other = serverIn(directory)
    await other.start()
    expect((await send('GET', '/v1/ticket')).status).toBe(200)
    await other.stop()
  })

  it('is refused with a sentence where a folder is in its place', async () => {
    const blocked = join(directory, 'blocked')
    await mkdir(join(blocked, 'control.sock', 'x'), { recursive: true })
    await writeFile(join(blocked, 'control.sock', 'file'), '')
    await expect(serverIn(blocked).start()).rejects.toMatchObject({ code: 'SocketInUse' })
  })
})
