import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'
import type { ControlEvent } from '@instar/node/control'

/** Reads server-sent events. The peer writes each event's data on one line, so lines are all there is to parse. */
export async function* readEvents(stream: Readable): AsyncGenerator<ControlEvent> {
  const lines = createInterface({ input: stream })
  try {
    for await (const line of lines)
      if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length)) as ControlEvent
  } finally {
    lines.close()
    stream.destroy()
  }
}
