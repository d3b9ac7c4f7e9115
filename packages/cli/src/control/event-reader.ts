import type { Readable } from 'node:stream'
import type { ControlEvent } from '@instar/node/control'

const dataMark = 'data: '

/** Reads server-sent events. The peer writes each event's data on one line, so lines are all there is to parse. */
export async function* readEvents(stream: Readable): AsyncGenerator<ControlEvent> {
  // A peer that ends cuts the stream. Whoever reads is told by the loop; once nobody reads any more, nobody has to hear of it.
  stream.on('error', () => undefined)
  stream.setEncoding('utf8')
  let rest = ''
  try {
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines)
        if (line.startsWith(dataMark)) yield JSON.parse(line.slice(dataMark.length)) as ControlEvent
    }
  } finally {
    stream.destroy()
  }
}
