import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** One system call that fails: the `nth` of a thread since the injection began, of those that concern the path, if one is given. */
export interface Injection {
  readonly call: string
  readonly error: string
  readonly nth: number
  readonly path?: string
}

/** A system call as a trace shows it. */
export interface TracedCall {
  readonly pid: number
  readonly call: string
  /** The first path among its arguments, or the one that its descriptor stands for. */
  readonly path: string | undefined
}

/** Whether system calls can be made to fail here: takes strace, and the right to trace. What is missing, in words. */
export async function whatStraceLacks(): Promise<string | undefined> {
  const args = ['-qq', '-e', 'trace=openat', '-e', 'inject=openat:error=EIO:when=65535', 'true']
  return run('strace', args).then(
    () => undefined,
    (thrown: unknown) => `strace does not work here (${(thrown as Error).message.split('\n')[0] ?? ''})`
  )
}

const patienceMs = 5000
const isAttached = /^strace: Process \d+ attached( with \d+ threads)?$/
const isGone = /^strace: attach: ptrace\(.*\): No such process$/

/** Follows these processes, and those that they start, until it is ended. Resolves when all are followed. */
async function follow(pids: readonly number[], args: readonly string[], onLine: (line: string) => void) {
  const tracer = spawn('strace', ['-f', '-y', ...args, ...pids.flatMap(pid => ['-p', String(pid)])], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const attached = Promise.withResolvers<undefined>()
  const ended = once(tracer, 'close').then(() => attached.reject(new Error(`strace ended at once: ${last}`)))
  attached.promise.catch(() => undefined)
  let hung = false
  let count = 0
  let rest = ''
  let last = ''
  tracer.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      last = line
      // One line for each process, however many threads it has; one that has ended meanwhile calls nothing any more.
      if (isAttached.test(line) || isGone.test(line)) {
        if (++count === pids.length) attached.resolve(undefined)
      } else onLine(line)
    }
  })
  await attached.promise
  return {
    /** The processes go on as if nobody had looked. */
    async end(): Promise<void> {
      tracer.kill('SIGINT')
      const timer = setTimeout(() => {
        hung = true
        tracer.kill('SIGKILL')
      }, patienceMs)
      await ended
      clearTimeout(timer)
    },
    /** strace waited for a process that is gone already, and may have kept another one from going on: what was seen says nothing. */
    get hung() {
      return hung
    }
  }
}

/** Makes the call fail, once: the moment that it has, everything is left alone. */
export async function inject(pids: readonly number[], { call, error, nth, path }: Injection) {
  let struck: string | undefined
  let ended: Promise<void> | undefined
  const args = ['-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=${nth}`]
  const end = (): Promise<void> => (ended ??= tracer.end())
  const tracer = await follow(pids, path === undefined ? args : [...args, '-P', path], line => {
    if (!line.includes('(INJECTED)')) return
    struck ??= line
    void end()
  })
  return {
    /** What it has struck, as strace shows it; undefined: the call has not been made. */
    async end(): Promise<string | undefined> {
      await end()
      return struck
    },
    get hung() {
      return tracer.hung
    }
  }
}

/** Every call of these names until it is ended. */
export async function trace(pids: readonly number[], calls: readonly string[]) {
  const traced: TracedCall[] = []
  const tracer = await follow(pids, ['-e', `trace=${calls.join(',')}`], line => {
    const match = /^(?:\[pid +(\d+)\] )?(\w+)\((.*)/.exec(line)
    if (match === null) return
    const [, pid, call = '', rest = ''] = match
    const path = /^\d+<(\/[^>]*)>|^[^"]*"(\/[^"]*)"|^.*<(\/[^>]*)>/.exec(rest)
    traced.push({ pid: Number(pid ?? pids[0]), call, path: path?.[1] ?? path?.[2] ?? path?.[3] })
  })
  return {
    async end(): Promise<readonly TracedCall[]> {
      await tracer.end()
      return traced
    }
  }
}
