import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFrameDecoder } from './decoder.js'
import { encodeFrame, frameHeadBytes, frameKind, type Frame } from './frame.js'

const payloadBytesMax = 1024

function decodeAll(chunks: Iterable<Uint8Array>): { frames: Frame[]; fault: unknown; buffered: number } {
  const frames: Frame[] = []
  const onFrame = (frame: Frame): void => void frames.push({ ...frame, payload: new Uint8Array(frame.payload) })
  const decoder = createFrameDecoder({ payloadBytesMax, onFrame })
  let fault: unknown
  for (const chunk of chunks) fault = decoder.push(chunk)
  return { frames, fault, buffered: decoder.buffered }
}

/** Cuts bytes at the given places, whatever they are. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map(place => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...at, bytes.length].map((end, i) => bytes.slice(at[i - 1] ?? 0, end))
}

const frame = fc.record({
  kind: fc.constantFrom(...Object.values(frameKind)),
  id: fc.integer({ min: 0, max: 0xffffffff }),
  payload: fc.uint8Array({ maxLength: payloadBytesMax })
})

describe('the frame decoder', () => {
  it('gives back the frames, wherever the bytes were cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat()), (frames, places) => {
        const bytes = Buffer.concat(frames.map(({ kind, id, payload }) => encodeFrame(kind, id, payload)))
        expect(decodeAll(cut(bytes, places))).toEqual({ frames, fault: undefined, buffered: 0 })
      })
    )
  })

  it('reads a list of pieces as one chunk', () => {
    const bytes = encodeFrame(frameKind.reply, 7, Buffer.from('answer'))
    const pieces = Object.assign([bytes.slice(0, 3), bytes.slice(3)], { byteLength: bytes.byteLength })
    const frames: Frame[] = []
    createFrameDecoder({ payloadBytesMax, onFrame: each => frames.push(each) }).push(pieces)
    expect(frames).toEqual([{ kind: frameKind.reply, id: 7, payload: new Uint8Array(Buffer.from('answer')) }])
  })

  it('never throws, and holds no more than it was sent, for any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), chunks => {
        const { fault, buffered } = decodeAll(chunks)
        const sent = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
        expect(buffered).toBeLessThanOrEqual(Math.min(sent, payloadBytesMax + frameHeadBytes))
        if (fault !== undefined) expect(buffered).toBe(0)
      })
    )
  })

  it.each([
    ['a length below the head', [0, 0, 0, 4, 2, 0, 0, 0, 1], 'BadFrame'],
    ['an unknown kind', [0, 0, 0, 5, 9, 0, 0, 0, 1], 'BadFrame'],
    ['more bytes than are read', [255, 255, 255, 255, 2, 0, 0, 0, 1], 'FrameTooLarge']
  ])('refuses %s', (_, bytes, code) => {
    expect(decodeAll([Uint8Array.from(bytes)]).fault).toMatchObject({ code })
  })

  it('reads nothing after a fault', () => {
    const good = encodeFrame(frameKind.ping, 0, new Uint8Array(0))
    const { frames, fault } = decodeAll([good, Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0]), good])
    expect(frames).toHaveLength(1)
    expect(fault).toMatchObject({ code: 'BadFrame' })
  })
})
