import { InstarError } from '@instar/core'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { z } from 'zod'
import { answer, toErrorAnswer } from './error-answer.js'
import { streamEvents, type EventStream } from './event-stream.js'
import { toOpenApi } from './openapi.js'
import type { PeerControl } from './peer-control.js'
import type { Route } from './route.js'
import { routes } from './routes/table.js'
import { components } from './schema/components.js'

/** A submission in base64: root chain and targets of the largest size that is read. */
const bodyBytesMax = 8 * 1024 * 1024
const readersMax = 64
/** The text format of Prometheus. */
const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

export interface ControlAppInit {
  readonly control: PeerControl
  /** The release of Instar, for the OpenAPI document. */
  readonly instar: string
  readonly log: Logger
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number
}

/** The operations of the API over HTTP. Adds every open event stream to `streams` and removes it when its reader leaves. */
export function createControlApp(init: ControlAppInit, streams: Set<EventStream>): FastifyInstance {
  const app = fastify({ logger: false, bodyLimit: bodyBytesMax, requestTimeout: 0 })
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
  for (const route of routes) register(app, route, init.control)

  const document = toOpenApi(routes, init.instar)
  app.get('/openapi.json', () => document)
  app.get('/metrics', async (_request, reply) => reply.type(metricsType).send(await init.control.metrics()))
  app.get('/v1/events', (_request, reply) => {
    if (streams.size >= readersMax) throw new InstarError('BadInput', `More than ${readersMax} readers of events.`)
    reply.hijack()
    const stream = streamEvents(init.control, reply.raw, init.now)
    streams.add(stream)
    reply.raw.on('close', () => streams.delete(stream))
  })

  app.setErrorHandler((error, request, reply) => {
    const { status, body } = toErrorAnswer(error)
    if (body.error.code === 'Internal') init.log.error({ err: error, route: request.url }, 'control call failed')
    return reply.status(status).send(body)
  })
  app.setNotFoundHandler((request, reply) => {
    const message = `${request.method} ${request.url} is not part of this API; GET /openapi.json describes it.`
    const { status, body } = answer(404, 'BadInput', message, {})
    return reply.status(status).send(body)
  })
  return app
}

function register(app: FastifyInstance, route: Route, control: PeerControl): void {
  app.route({
    method: route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    handler: async (request, reply) =>
      route.handle(control, {
        params: route.params && parse(route.params, request.params, 'path'),
        query: route.query && parse(route.query, request.query, 'query'),
        body: bodyOf(route, request),
        signal: signalOf(reply)
      })
  })
}

function bodyOf(route: Route, request: FastifyRequest): unknown {
  if (route.body === undefined) return undefined
  if (route.body !== 'bytes') return parse(components[route.body], request.body, 'body')
  if (request.headers['content-type'] === 'application/octet-stream') return request.body
  throw new InstarError('BadInput', 'The body must be sent as application/octet-stream.')
}

function parse(schema: z.ZodType, value: unknown, part: string): unknown {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const flaws = parsed.error.issues.map(({ path, message }) => `${[part, ...path].join('.')}: ${message}`)
  throw new InstarError('BadInput', `The request is not understood: ${flaws.slice(0, 3).join('; ')}.`)
}

function signalOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}
