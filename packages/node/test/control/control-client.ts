import { request, type IncomingMessage, type RequestOptions } from 'node:http'
import { json } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** Sends one request over the unix socket and reads its JSON answer. A string or bytes go out as they are, other bodies as JSON. */
export async function ask(socketPath: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const bytes = body instanceof Uint8Array
  const type = bytes ? 'application/octet-stream' : 'application/json'
  const payload = body === undefined || bytes || typeof body === 'string' ? body : JSON.stringify(body)
  const headers = payload === undefined ? {} : { 'content-type': type }
  const response = await open({ socketPath, method, path, headers }, payload)
  return { status: response.statusCode ?? 0, body: await json(response) }
}

export function open(options: RequestOptions, payload?: string | Uint8Array): Promise<IncomingMessage> {
  return new Promise((resolve, fail) => {
    request(options, resolve).on('error', fail).end(payload)
  })
}
