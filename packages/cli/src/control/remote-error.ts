import { CallError, errorCodes, InstarError, isCallErrorCode, type CallErrorDetail, type ErrorCode } from '@instar/core'

/** The error that the peer threw, as it was. */
export function toRemoteError(body: unknown, status: number): Error {
  const { code, message, detail } = readError(body)
  const instar = errorCodes.find((known): known is ErrorCode => known === code)
  if (instar !== undefined) return new InstarError(instar, message, { detail: detail as never })
  if (isCallErrorCode(code)) return new CallError(code, { ...(detail as Partial<CallErrorDetail>), message })
  return new Error(message || `The peer answered with status ${status}.`)
}

function readError(body: unknown): { code: string; message: string; detail: object } {
  const { error } = (body ?? {}) as { error?: { code?: unknown; message?: unknown; detail?: unknown } }
  return {
    code: typeof error?.code === 'string' ? error.code : '',
    message: typeof error?.message === 'string' ? error.message : '',
    detail: typeof error?.detail === 'object' && error.detail !== null ? error.detail : {}
  }
}
