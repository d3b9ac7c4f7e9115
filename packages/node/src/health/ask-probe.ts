import { CallError, messageOf, type Effect, type Json, type ProbeOutcome } from '@instar/core'
import { encodeValue } from '@instar/simulator-runtime/codec'
import type { HostPort } from '../host/host-port.js'

type Probe = Extract<Effect, { effect: 'probe' }>

/** Asks the object its own query, as a call of nobody else (§15). Never throws; what comes too late is `DeadlineExceeded`. */
export async function askProbe(
  host: Pick<HostPort, 'call' | 'serving'>,
  self: string,
  { version, className, revision, method, args, timeoutMs }: Probe,
  stopping: AbortSignal
): Promise<ProbeOutcome> {
  if (!host.serving) return missed(new CallError('Upgrading', { message: 'no host takes calls now' }))
  // A descriptor's probe is a JSON array: that was verified with it.
  const body = encodeValue(JSON.parse(args) as Json[])
  const late = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([stopping, late])
  const deadline = new Promise<never>((_resolve, reject) => {
    const tooLate = (): void =>
      reject(new CallError('DeadlineExceeded', { message: `it did not answer within ${timeoutMs} ms` }))
    if (late.aborted) tooLate()
    else late.addEventListener('abort', tooLate, { once: true })
  })
  const header = { version, className, revision, method, seq: 0, doneBelow: 0, remainingMs: timeoutMs }
  try {
    await Promise.race([host.call({ ...header, caller: self, isProbe: true }, body, signal), deadline])
    return { of: 'probe', ok: true }
  } catch (thrown) {
    return missed(thrown)
  }
}

function missed(thrown: unknown): ProbeOutcome {
  const code = thrown instanceof CallError ? thrown.code : 'Failed'
  return { of: 'probe', ok: false, code, cause: messageOf(thrown, 200) }
}
