import { fork } from 'node:child_process'

/** A process of this benchmark that answers questions. */
export interface Worker<Request, Result> {
  readonly pid: number
  /** @throws Error when the process says so, or ends */
  ask(request: Request): Promise<Result>
  /** Kills it; resolves when it is gone. */
  end(): Promise<void>
}

export interface Question<Request> {
  readonly id: number
  readonly request: Request
}

export interface Answer<Result> {
  readonly id: number
  readonly result?: Result
  readonly failure?: string
}

interface Waiting<Result> {
  resolve(result: Result): void
  reject(error: Error): void
}

/** Starts a module that calls `answerParent`. The signal kills it. */
export function startWorker<Request, Result>(module: URL, signal: AbortSignal): Worker<Request, Result> {
  const child = fork(module, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const waiting = new Map<number, Waiting<Result>>()
  let lastId = 0
  let over: Error | undefined
  const kill = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  if (signal.aborted) kill()

  const ended = new Promise<void>(resolve => {
    const finish = (why: string): void => {
      over ??= new Error(why)
      signal.removeEventListener('abort', kill)
      for (const each of waiting.values()) each.reject(over)
      waiting.clear()
      resolve()
    }
    child.once('exit', (code, killer) => finish(`a process of the benchmark ended (${String(killer ?? code)})`))
    child.once('error', error => finish(error.message))
  })
  child.on('message', ({ id, result, failure }: Answer<Result>) => {
    const each = waiting.get(id)
    waiting.delete(id)
    if (failure === undefined) each?.resolve(result as Result)
    else each?.reject(new Error(failure))
  })

  return {
    pid: child.pid ?? 0,
    ask(request) {
      if (over !== undefined) return Promise.reject(over)
      return new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, { resolve, reject })
        child.send({ id, request } satisfies Question<Request>, error => {
          if (error !== null) reject(error)
        })
      })
    },
    async end() {
      kill()
      await ended
    }
  }
}
