import type { Stream } from '@libp2p/interface'
import type { Echo } from '../driver/drive.js'
import { listenFor, openStream } from './libp2p-node.js'
import type { Target } from './target.js'

/**
 * The least that calls over one libp2p stream can be: `u32 length | u32 id | bytes`, and all frames of a tick in one send. Without it every frame would
 * cost an encryption, and the baseline would be four times slower than need be.
 */
const protocol = '/bench/raw/1'
const headBytes = 8
const sendBytesMax = 64 * 1024

export async function serveRaw(): Promise<Target> {
  const address = await listenFor('plain', protocol, stream => {
    const send = createSender(stream)
    readFrames(stream, (id, payload) => send(id, payload, false))
  })
  return { kind: 'raw', address }
}

export async function connectRaw(address: string): Promise<Echo> {
  const stream = await openStream('plain', address, protocol)
  const send = createSender(stream)
  const waiting = new Map<number, (bytes: Uint8Array) => void>()
  let lastId = 0
  readFrames(stream, (id, payload) => {
    waiting.get(id)?.(payload)
    waiting.delete(id)
  })
  return bytes =>
    new Promise(resolve => {
      const id = (lastId = (lastId + 1) >>> 0)
      waiting.set(id, resolve)
      send(id, bytes, waiting.size > 1)
    })
}

/** @returns a function that queues a frame; `more`: others of the same tick may follow, so wait for them */
function createSender(stream: Stream): (id: number, bytes: Uint8Array, more: boolean) => void {
  let queue: Uint8Array[] = []
  let scheduled = false
  let full = false
  const flush = (): void => {
    scheduled = false
    if (queue.length === 0 || full) return
    const all = Buffer.concat(queue)
    queue = []
    let at = 0
    for (; at < all.byteLength && !full; at += sendBytesMax) full = !stream.send(all.subarray(at, at + sendBytesMax))
    if (at < all.byteLength) queue.push(all.subarray(at))
  }
  stream.addEventListener('drain', () => {
    full = false
    flush()
  })
  return (id, bytes, more) => {
    const head = Buffer.allocUnsafe(headBytes)
    head.writeUInt32BE(bytes.byteLength, 0)
    head.writeUInt32BE(id, 4)
    queue.push(head, bytes)
    if (scheduled || full) return
    scheduled = true
    if (more) setImmediate(flush)
    else queueMicrotask(flush)
  }
}

function readFrames(stream: Stream, onFrame: (id: number, payload: Uint8Array) => void): void {
  /** The beginning of a frame whose rest has not come, in pieces: joined once, when it is whole. */
  let pieces: Uint8Array[] = []
  let held = 0
  let needed = headBytes
  stream.addEventListener('message', ({ data }) => {
    const chunk = data instanceof Uint8Array ? data : data.subarray()
    held += chunk.byteLength
    pieces.push(chunk)
    if (held < needed) return
    const bytes = pieces.length === 1 ? toBuffer(chunk) : Buffer.concat(pieces)
    let at = 0
    needed = headBytes
    while (bytes.byteLength - at >= headBytes) {
      const end = at + headBytes + bytes.readUInt32BE(at)
      if (end > bytes.byteLength) {
        needed = end - at
        break
      }
      onFrame(bytes.readUInt32BE(at + 4), bytes.subarray(at + headBytes, end))
      at = end
    }
    held = bytes.byteLength - at
    pieces = held === 0 ? [] : [bytes.subarray(at)]
  })
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
