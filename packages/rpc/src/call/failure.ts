import { CallError, isCallErrorCode, parseBoundedJson } from '@instar/core'

const failureBytesMax = 16 * 1024
const textCharactersMax = 1000

/** A call error as JSON: `{ code, message, executed, … }`. Long texts are cut, so that it always fits what a receiver reads. */
export function encodeFailure(error: CallError): Uint8Array {
  const { message, reason, ...rest } = error.detail
  return Buffer.from(
    JSON.stringify({
      code: error.code,
      ...rest,
      message: message.slice(0, textCharactersMax),
      reason: reason?.slice(0, textCharactersMax)
    })
  )
}

/**
 * Reads a call error from the wire. Never throws: what is malformed, or a code of a later release, is a failed call whose outcome is unknown.
 */
export function decodeFailure(payload: Uint8Array): CallError {
  const json = parseBoundedJson(payload, { bytesMax: failureBytesMax, depthMax: 3, itemsMax: 64 })
  const fields = json.verdict === 'accept' && isRecord(json.value) ? json.value : {}
  const { code, message, executed, retryAfterMs, served, newest, by, reason } = fields
  const text =
    typeof message === 'string' ? message.slice(0, textCharactersMax) : 'the peer sent an error that cannot be read'
  if (typeof code !== 'string' || !isCallErrorCode(code)) {
    const named = typeof code === 'string' ? ` (${code.slice(0, 40)})` : ''
    return new CallError('Failed', { message: `${text}${named}`, executed: 'unknown' })
  }
  return new CallError(code, {
    message: text,
    executed: executed === 'no' ? 'no' : 'unknown',
    ...(isCount(retryAfterMs) && { retryAfterMs }),
    ...(isRange(served) && { served }),
    ...(isCount(newest) && { newest }),
    ...(isCount(by) && { by }),
    ...(typeof reason === 'string' && { reason: reason.slice(0, textCharactersMax) })
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isRange(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && isCount(value[0]) && isCount(value[1])
}
