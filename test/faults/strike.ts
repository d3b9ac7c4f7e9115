import type { StartOptions } from '@instar/local-network'

/** Start options that plant a fault, and the moment at which it strikes: a test whose fault never did has shown nothing. */
export interface Strike {
  readonly options: StartOptions
  /** @throws Error where it has not struck in time */
  within(ms: number): Promise<void>
}

/** @param word as `INSTAR_FAULTS` takes it */
export function plant(word: string): Strike {
  const struck = Promise.withResolvers<undefined>()
  return {
    options: {
      faults: word,
      onLine(line) {
        if (line.startsWith(`INSTAR_FAULTS: ${word} strikes`)) struck.resolve(undefined)
      }
    },
    async within(ms) {
      const timer = setTimeout(() => struck.reject(new Error(`${word} has not struck within ${ms} ms`)), ms)
      await struck.promise.finally(() => clearTimeout(timer))
    }
  }
}
