import { errorCodes, InstarError, invariant, type ErrorCode } from '@instar/core'
import type { FromHost, HostFailure, ToHost } from './control-messages.js'

/** A request to a host process, and what it means when no answer comes. */
interface Question {
  readonly message: ToHost
  readonly answer: FromHost['type']
  readonly timeoutMs: number
  readonly onTimeout: () => InstarError
  readonly onExit: (how: string) => InstarError
  readonly signal?: AbortSignal | undefined
  /** What gives the request up; without it a cancelled request is not waited for any more. */
  readonly cancel?: ToHost
}

export interface Conversation {
  /** One request at a time. @throws InstarError: the host's own, or what the question says of its silence and its end */
  ask<T extends FromHost>(question: Question): Promise<T>
  /** The host has answered; `undefined`: it has ended. */
  answer(message: FromHost | undefined): void
}

export interface ConversationInit {
  /** Whose host it is, for messages. */
  readonly name: string
  readonly send: (message: ToHost) => void
  readonly isAlive: () => boolean
  /** Resolves when it has ended. */
  readonly howItEnded: () => Promise<string>
}

/** What a process gets to give up an `open` that was cancelled. */
const cancelMs = 2_000

/** Requests and answers over a channel that knows only messages. */
export function createConversation({ name, send, isAlive, howItEnded }: ConversationInit): Conversation {
  let waiting: ((message: FromHost | undefined) => void) | undefined

  async function ask<T extends FromHost>(question: Question): Promise<T> {
    invariant(waiting === undefined, 'one request at a time to a host')
    if (!isAlive()) throw question.onExit(await howItEnded())
    const { signal } = question
    let timer: NodeJS.Timeout | undefined
    let patience: NodeJS.Timeout | undefined
    let onAbort: (() => void) | undefined
    try {
      const answer = await new Promise<FromHost | undefined>((resolve, reject) => {
        waiting = resolve
        timer = setTimeout(() => reject(question.onTimeout()), question.timeoutMs)
        const stopped = (): void =>
          reject(new InstarError('Stopped', `The start of the host of ${name} was cancelled.`))
        onAbort = () => {
          if (question.cancel === undefined) {
            stopped()
          } else {
            // It alone knows whether its meta has moved already. One that does not answer is killed, which is safe at any point (R13).
            send(question.cancel)
            patience = setTimeout(stopped, cancelMs)
          }
        }
        send(question.message)
        if (signal?.aborted === true) onAbort()
        else signal?.addEventListener('abort', onAbort, { once: true })
      })
      if (answer === undefined) throw question.onExit(await howItEnded())
      if (answer.type === 'failed') throw toError(answer)
      invariant(answer.type === question.answer, `the host answered ${answer.type} instead of ${question.answer}`)
      return answer as T
    } finally {
      waiting = undefined
      clearTimeout(timer)
      clearTimeout(patience)
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
    }
  }

  return { ask, answer: message => waiting?.(message) }
}

const codes: ReadonlySet<string> = new Set(errorCodes)

/** What a host says of a request that failed. */
export function toError(failure: Omit<HostFailure, 'type'>): InstarError {
  return new InstarError(toErrorCode(failure.code), failure.message, { detail: failure.detail })
}

/** A host may say what this release does not know. */
export function toErrorCode(code: string): ErrorCode {
  return codes.has(code) ? (code as ErrorCode) : 'HostFailed'
}
