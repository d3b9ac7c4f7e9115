import type { CallError } from '@instar/core'

export function encodeFailure(_error: CallError): Uint8Array {
  throw new Error('not built yet')
}

export function decodeFailure(_payload: Uint8Array): CallError {
  throw new Error('not built yet')
}
