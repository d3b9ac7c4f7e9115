import { flawOfHealth, type Health } from '@instar/core'
import { InvalidArgumentError } from 'commander'
import { parseDuration } from './duration.js'

type Words = { -readonly [W in keyof Health]: Health[W] }

/** The words of a health policy (§15) and what follows them; `probe` has parts of its own. */
const words: Readonly<Record<string, (text: string) => Words>> = {
  wait: text => ({ waitMs: parseDuration(text) }),
  retry: text => ({ retry: parseCount(text) }),
  'retry-after': text => ({ retryAfterMs: parseDuration(text) }),
  timeout: text => ({ timeoutMs: parseDuration(text) }),
  'on-failure': text => ({ onFailure: parseOnFailure(text) }),
  'min-calls': text => ({ minCalls: parseCount(text) }),
  errors: text => ({ errorPercent: parsePercent(text) }),
  'idle-commit': text => ({ idleCommitMs: parseDuration(text) }),
  abort: text => ({ abortPercent: parsePercent(text) }),
  probe: text => ({ probe: parseProbe(text) })
}

export const healthExample = 'wait:10s,errors:2%,min-calls:100,idle-commit:1h,probe:size/5s,timeout:6h,on-failure:back'

/** `wait:10s,errors:2%,probe:size/5s/1s/3,on-failure:hold`. @throws InvalidArgumentError */
export function parseHealth(text: string): Health {
  const policy: Words = {}
  for (const part of text.split(',')) {
    const [word = '', ...rest] = part.trim().split(':')
    const parse = words[word]
    if (parse === undefined || rest.length !== 1)
      throw new InvalidArgumentError(`It is made of <word>:<value> with the words ${Object.keys(words).join(', ')}.`)
    Object.assign(policy, parse(rest[0] ?? ''))
  }
  const flaw = flawOfHealth(policy)
  if (flaw !== undefined) throw new InvalidArgumentError(`It is no health policy: ${flaw}.`)
  return policy
}

/** A query without arguments, how often it is asked, what its answer may take, how many misses in a row: `size/5s/2s/3`. */
function parseProbe(text: string): NonNullable<Health['probe']> {
  const [method = '', every, timeout, misses, ...rest] = text.split('/')
  if (method === '' || rest.length > 0)
    throw new InvalidArgumentError(
      'A probe is <query>[/<every>[/<at most>[/<misses in a row>]]], size/5s/2s/3 for one.'
    )
  return {
    method,
    ...(every === undefined ? {} : { everyMs: parseDuration(every) }),
    ...(timeout === undefined ? {} : { timeoutMs: parseDuration(timeout) }),
    ...(misses === undefined ? {} : { missesMax: parseCount(misses) })
  }
}

function parseOnFailure(text: string): 'back' | 'hold' {
  if (text === 'back' || text === 'hold') return text
  throw new InvalidArgumentError('After on-failure comes back or hold.')
}

function parsePercent(text: string): number {
  if (/^\d{1,3}%$/.test(text)) return Number(text.slice(0, -1))
  throw new InvalidArgumentError('A share looks like 5%.')
}

function parseCount(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A count is a whole number.')
}
