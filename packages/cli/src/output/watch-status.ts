import type { ControlClient } from '../control/control-client.js'
import type { Io } from '../io.js'
import { eventText } from './event-text.js'
import type { Output } from './output.js'
import { statusText } from './status-text.js'

const recentMax = 8

/** Shows a peer until it stops: a page that is redrawn for a person, one line per event for everything else. */
export async function watchStatus(client: ControlClient, output: Output, io: Io): Promise<void> {
  const recent: string[] = []
  const isPage = io.isTerminal && !output.isJson
  const logUpdate = isPage ? (await import('log-update')).default : undefined
  let page = ''
  for await (const event of client.events()) {
    const text = eventText(event, output)
    if (output.isJson) output.result(event, () => '')
    else if (!isPage && text !== undefined) output.line(text)
    if (text !== undefined) recent.push(text)
    if (recent.length > recentMax) recent.shift()
    if (event.type === 'status') page = statusText(event.status, output, io.now())
    logUpdate?.([page, '', ...recent].join('\n'))
  }
  logUpdate?.done()
  output.line('The peer has stopped.')
}
