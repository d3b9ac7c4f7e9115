import { z } from 'zod'
import type { Route } from './route.js'
import { components, type ComponentName } from './schema/components.js'

/** The OpenAPI 3.1 document of the control API, written from its table of routes. */
export function toOpenApi(routes: readonly Route[], release: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const operations = (paths[route.path] ??= {})
    operations[route.method.toLowerCase()] = operationOf(route)
  }
  paths['/v1/events'] = { get: eventsOperation }
  paths['/metrics'] = { get: metricsOperation }
  paths['/openapi.json'] = { get: documentOperation }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Instar control API',
      version: release,
      description: 'What a running peer answers on the unix socket `control.sock` in its data directory.'
    },
    paths,
    components: { schemas: schemasOf() }
  }
}

function operationOf(route: Route): object {
  const parameters = [...parametersOf('path', route.params), ...parametersOf('query', route.query)]
  return {
    operationId: route.name,
    summary: route.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: contentOf(route.body) } }),
    responses: {
      200: { description: 'Done.', content: contentOf(route.answer) },
      default: { description: 'Not done; `error.code` says why.', content: contentOf('Error') }
    }
  }
}

const eventsOperation = {
  operationId: 'events',
  summary:
    'Server-sent events: the whole status first, then what happens as it happens, and the status again after changes. A reader that falls behind loses events, never the status.',
  responses: {
    200: {
      description: 'A stream that ends when the peer stops; the `data` of each event is one ControlEvent.',
      content: { 'text/event-stream': { schema: reference('ControlEvent') } }
    }
  }
}

const metricsOperation = {
  operationId: 'metrics',
  summary: 'What the peer counts, in the text format of Prometheus.',
  responses: { 200: { description: 'Done.', content: { 'text/plain': { schema: { type: 'string' } } } } }
}

const documentOperation = {
  operationId: 'openapi',
  summary: 'This document.',
  responses: { 200: { description: 'Done.', content: { 'application/json': { schema: { type: 'object' } } } } }
}

function contentOf(body: ComponentName | 'bytes'): object {
  return body === 'bytes'
    ? { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
    : { 'application/json': { schema: reference(body) } }
}

function reference(name: ComponentName): object {
  return { $ref: `#/components/schemas/${name}` }
}

function parametersOf(place: 'path' | 'query', schema: z.ZodObject | undefined): object[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' })
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property
  }))
}

function schemasOf(): Record<string, object> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(components)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    uri: id => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => {
      // The format says it; the pattern beside it is four lines long.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
    }
  })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]) => [id, schema])
  )
}
