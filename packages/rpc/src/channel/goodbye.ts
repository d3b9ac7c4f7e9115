import { parseBoundedJson } from '@instar/core'

/** What an end says last. */
export interface Goodbye {
  readonly code: string
  readonly message: string
}

export function encodeGoodbye({ code, message }: Goodbye): Uint8Array {
  return Buffer.from(JSON.stringify({ code, message: message.slice(0, 500) }))
}

/** Never throws: what cannot be read is a goodbye without a reason. */
export function parseGoodbye(payload: Uint8Array): Goodbye {
  const json = parseBoundedJson(payload, { bytesMax: 4096, depthMax: 2, itemsMax: 16 })
  const fields = (json.verdict === 'accept' ? json.value : null) as Partial<Record<string, unknown>> | null
  const { code, message } = typeof fields === 'object' && fields !== null ? fields : {}
  return {
    code: typeof code === 'string' ? code.slice(0, 40) : 'Closing',
    message: typeof message === 'string' ? message.slice(0, 500) : 'no reason given'
  }
}
