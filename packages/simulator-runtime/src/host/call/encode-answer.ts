import { encodeValue } from '../../codec/codec.js'
import type { FacadeCode, FacadeMethod } from './facade.js'
import { outOfContract } from './failures.js'

/** What fits into one frame to the caller. */
const answerBytesMax = 4 * 1024 * 1024

/** A valid answer as bytes; of a command before it takes effect, so that nothing is done that cannot be answered. @throws CallError OutOfContract */
export function encodeAnswer(facade: FacadeCode, method: FacadeMethod, answer: unknown): Uint8Array {
  const bytes = encodeValue(answer)
  if (bytes.byteLength <= answerBytesMax) return bytes
  throw outOfContract(
    facade,
    method.name,
    `its answer has ${bytes.byteLength} bytes, at most ${answerBytesMax} can be sent`
  )
}
