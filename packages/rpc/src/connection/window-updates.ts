import type { MessageStream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { readUint32, writeUint32 } from '../frame/frame.js'

/**
 * Lets window updates of Yamux travel with the next frame that goes out. Yamux gives back every byte that it has read in a frame of its own at once, so each short call costs two packets
 * more, each encrypted, written and read by itself. Held here, they cost nothing.
 *
 * The other end never waits for what is held: less than {@link heldBytesMax} of a window of at least 256 KiB, and whoever reads more sends it.
 */
export function holdWindowUpdates(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection)
  /** By stream, the bytes that its sender is to get back. */
  const held = new Map<number, number>()

  function hold(frame: Uint8Array): boolean {
    const stream = readUint32(frame, 4)
    const bytes = (held.get(stream) ?? 0) + readUint32(frame, 8)
    held.set(stream, bytes)
    return bytes < heldBytesMax && held.size <= streamsMax
  }

  function release(list: Uint8ArrayList): Uint8ArrayList {
    for (const [stream, bytes] of held) list.append(windowUpdate(stream, bytes))
    held.clear()
    return list
  }

  connection.send = data => {
    if (data instanceof Uint8Array && isPlainWindowUpdate(data)) {
      return hold(data) ? !connection.writableNeedsDrain : send(release(new Uint8ArrayList()))
    }
    if (held.size === 0) return send(data)
    const list = release(new Uint8ArrayList())
    list.append(data)
    return send(list)
  }
  return connection
}

/** Half of the smallest window that Yamux knows: the other end has the other half to send with. */
export const heldBytesMax = 128 * 1024
const streamsMax = 64

const headerBytes = 12
const windowUpdateType = 1

/** One that gives bytes back and neither opens, confirms nor ends a stream. */
function isPlainWindowUpdate(frame: Uint8Array): boolean {
  return frame.byteLength === headerBytes && frame[1] === windowUpdateType && frame[2] === 0 && frame[3] === 0
}

function windowUpdate(stream: number, bytes: number): Uint8Array {
  const frame = new Uint8Array(headerBytes)
  frame[1] = windowUpdateType
  writeUint32(frame, 4, stream)
  writeUint32(frame, 8, bytes)
  return frame
}
