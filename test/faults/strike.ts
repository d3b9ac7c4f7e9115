import type { LocalPeer, StartOptions } from '@instar/local-network'

/** Start options that plant a fault, and the moment at which it strikes: a test whose fault never did has shown nothing. */
export interface Strike {
  readonly options: StartOptions
  /** Resolves when it has struck, and the process is dead that was to die of it. @throws Error where it has not struck in time */
  within(ms: number): Promise<void>
}

/** @param word as `INSTAR_FAULTS` takes it */
export function plant(peer: LocalPeer, word: string): Strike {
  const lives = /^(kill-hosts|hold):/.test(word)
  const struck = Promise.withResolvers<unknown>()
  return {
    options: {
      faults: word,
      onLine(line) {
        if (line.startsWith(`INSTAR_FAULTS: ${word} strikes`)) struck.resolve(lives ? undefined : peer.ended())
      }
    },
    async within(ms) {
      const timer = setTimeout(() => struck.reject(new Error(`${word} has not struck within ${ms} ms`)), ms)
      await struck.promise.finally(() => clearTimeout(timer))
    }
  }
}
