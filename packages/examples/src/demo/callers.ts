import { CallError } from '@instar/core'
import type { Client } from '@instar/client'
import { colorSet, intSet } from '../int-set/contracts.js'
import type { Answer, Operation } from './model.js'

/** Makes one call to one peer; never throws for what the network answers. */
export type Caller = (operation: Operation) => Promise<Answer>

/** The object of one peer through the typed stubs of both versions, with retries until the deadline. */
export function createCaller(client: Client, peer: string, deadlineMs: number): Caller {
  const v1 = client.object(intSet, peer, { version: 1, deadlineMs })
  const v2 = client.object(colorSet, peer, { version: 2, deadlineMs })

  function send(operation: Operation): Promise<unknown> {
    const { x } = operation
    switch (operation.method) {
      case 'insert':
        return v1.insert(x)
      case 'insertColor':
        return v2.insertColor(x, operation.colour)
      case 'getColor':
        return v2.getColor(x)
      case 'delete':
        return operation.version === 1 ? v1.delete(x) : v2.delete(x)
      case 'contains':
        return operation.version === 1 ? v1.contains(x) : v2.contains(x)
    }
  }
  return operation => toAnswer(send(operation))
}

export async function toAnswer(call: Promise<unknown>): Promise<Answer> {
  try {
    return { ok: true, value: await call }
  } catch (thrown) {
    if (thrown instanceof CallError) return { ok: false, code: thrown.code, message: thrown.message }
    throw thrown
  }
}
