import type { ServerResponse } from 'node:http'
import type { PeerControl } from './peer-control.js'
import type { ControlEvent } from './schema/events.js'

/** After an event, other changes that follow at once share one status. */
const statusDelayMs = 100
/** A comment line that keeps proxies and readers from taking silence for death. */
const keepAliveMs = 15_000

export interface EventStream {
  readonly end: () => void
}

/**
 * Writes server-sent events to one reader until it leaves or `end` is called. Begins with the whole status. Bounded: while the reader
 * does not read, events are dropped, and it gets the whole status when it reads again.
 */
export function streamEvents(control: PeerControl, response: ServerResponse, now: () => number): EventStream {
  let isBehind = false
  let pendingStatus: NodeJS.Timeout | undefined

  const send = (event: ControlEvent) => {
    if (isBehind || response.writableEnded) return
    isBehind = !response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  }
  const sendStatus = () => {
    pendingStatus = undefined
    send({ type: 'status', at: new Date(now()).toISOString(), status: control.status() })
  }
  const end = () => {
    unsubscribe()
    clearTimeout(pendingStatus)
    clearInterval(keepAlive)
    response.end()
  }

  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const unsubscribe = control.subscribe(event => {
    if (event !== undefined) send(event)
    pendingStatus ??= setTimeout(sendStatus, statusDelayMs)
  })
  const keepAlive = setInterval(() => {
    if (!isBehind) response.write(': still here\n\n')
  }, keepAliveMs)
  response.on('drain', () => {
    isBehind = false
    sendStatus()
  })
  response.on('close', end)
  sendStatus()
  return { end }
}
