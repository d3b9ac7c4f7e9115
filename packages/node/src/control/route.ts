import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { PeerControl } from './peer-control.js'
import type { Component, ComponentName } from './schema/components.js'

/**
 * One operation of the control API. The table of routes is the only description of the API: the server registers it and the OpenAPI
 * document is written from it, so neither can say something that the other does not.
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** With parameters in braces, as OpenAPI writes them. */
  readonly path: string
  readonly name: string
  readonly summary: string
  readonly params?: z.ZodObject | undefined
  readonly query?: z.ZodObject | undefined
  /** `bytes` is a body of octets that is read as it arrives. */
  readonly body?: ComponentName | 'bytes' | undefined
  readonly answer: ComponentName
  readonly handle: (control: PeerControl, input: RouteInput<unknown, unknown, unknown>) => unknown
}

interface RouteInput<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Fires when the caller is gone. */
  readonly signal: AbortSignal
}

type BodyOf<Body> = Body extends 'bytes' ? Readable : Body extends ComponentName ? Component<Body> : undefined

interface TypedRoute<
  Answer extends ComponentName,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends ComponentName | 'bytes' | undefined
> {
  readonly method: Route['method']
  readonly path: string
  readonly name: string
  readonly summary: string
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  readonly answer: Answer
  readonly handle: (
    control: PeerControl,
    input: RouteInput<z.output<Params>, z.output<Query>, BodyOf<Body>>
  ) => Component<Answer> | Promise<Component<Answer>>
}

/** Checks a route's handler against its schemas. What reaches the handler has been parsed by them. */
export function defineRoute<
  Answer extends ComponentName,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends ComponentName | 'bytes' | undefined = undefined
>(route: TypedRoute<Answer, Params, Query, Body>): Route {
  return route as unknown as Route
}
