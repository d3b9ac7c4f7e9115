import { messageOf } from '@instar/core'
import type { Answer, Question } from './worker.js'

/** The other end of `startWorker`: answers one question after the other, and ends with the parent. */
export function answerParent<Request, Result>(handle: (request: Request) => Promise<Result>): void {
  // Ctrl-C reaches every process of the terminal; the parent decides when its children end.
  process.on('SIGINT', () => undefined)
  process.on('disconnect', () => process.exit(0))
  process.on('message', ({ id, request }: Question<Request>) => {
    const answer = (message: Answer<Result>): void => void process.send?.(message)
    handle(request).then(
      result => answer({ id, result }),
      (thrown: unknown) => answer({ id, failure: messageOf(thrown) })
    )
  })
}
