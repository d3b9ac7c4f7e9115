import { decodeValue, encodeValue } from '../../codec/codec.js'
import { CachedAccess } from '../cache/cached-access.js'
import { ReadLog } from '../cache/read-log.js'
import type { Caches, Entry } from '../cache/caches.js'
import type { Access } from '../state/access.js'
import type { Facade } from './facade.js'
import { TryFailed, type SimulationFailure } from './simulation-failure.js'

/** A request's state, as far as answers may be kept by it. */
interface CachingAccess extends Access {
  readonly caches: Caches
  /** Of the state that the request began with. */
  readonly version: number
  /** Grows with everything that the request writes or takes back. */
  readonly changes: number
  /** Whether the request has itself written what was read. */
  hidesFrom(reads: ReadLog): boolean
}

/** A running query or command that keeps answers. */
export interface CachingScope {
  readonly access: unknown
  lend(kind: 'cached', access: CachedAccess): LentScope
  giveUp(failure: SimulationFailure): void
  /** To be kept when the request takes effect. */
  keep(entry: Entry): void
}

interface LentScope {
  instance(facade: Facade): object
  end(why: string): void
}

type Run = (this: object, ...args: unknown[]) => unknown

/**
 * One function per method of the class. Each runs the method on an instance of its own, which can do nothing but read state: so its answer
 * depends on that and on the arguments alone, and is the same for whoever asks as long as what it read is.
 */
export function cachedMethods(scope: CachingScope, facade: Facade): object {
  return stubOf(facade, (name, run, args) => cachedCall(scope, facade, name, run, args))
}

/** The same without keeping anything: where the state in hand is nobody else's. */
export function plainMethods(facade: Facade, instance: object): object {
  return stubOf(facade, (_name, run, args) => run.apply(instance, args as unknown[]))
}

function stubOf(
  { implementation }: Facade,
  call: (name: string, run: Run, args: readonly unknown[]) => unknown
): object {
  const stub: Record<string, (...args: unknown[]) => unknown> = {}
  for (
    let prototype = implementation.prototype as Record<string, unknown>;
    prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype) as Record<string, unknown>
  ) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const run = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown
      if (name === 'constructor' || name in stub || typeof run !== 'function') continue
      stub[name] = (...args) => call(name, run as Run, args)
    }
  }
  return stub
}

function cachedCall(scope: CachingScope, facade: Facade, method: string, run: Run, args: readonly unknown[]): unknown {
  const access = scope.access as CachingAccess
  const { caches, version, changes } = access
  const encoded = encodeValue(args)
  const name = `${method} ${Buffer.from(encoded).toString('latin1')}`
  const known = caches.get(facade.prefix, name, version)
  if (known !== undefined && !access.hidesFrom(known.reads)) {
    caches.hits++
    const answer = decodeValue(known.answer)
    return known.promised ? Promise.resolve(answer) : answer
  }
  const reads = new ReadLog()
  const lent = scope.lend('cached', new CachedAccess(access, reads))
  const over = (): void => lent.end('the answer that was to be kept has been computed')
  const keep = (value: unknown, promised: boolean): unknown => {
    const answer = encodeValue(value)
    if (access.changes === changes && !access.hidesFrom(reads)) {
      scope.keep({ facade: facade.prefix, name, answer, promised, reads, since: version })
    }
    return decodeValue(answer)
  }
  const failed = (error: unknown): never => {
    if (error instanceof TryFailed) scope.giveUp(error.failure)
    throw error
  }
  // Arguments and answer are copies: what the caller does to its own changes nobody else's.
  const own = decodeValue(encoded) as unknown[]
  let given: unknown
  try {
    given = run.apply(lent.instance(facade), own)
    if (!(given instanceof Promise)) return keep(given, false)
  } finally {
    if (!(given instanceof Promise)) over()
  }
  return given.then(value => keep(value, true), failed).finally(over)
}
