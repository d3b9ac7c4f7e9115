export interface Deadlines {
  /** Something that expires at `at` was added to the entries. */
  watch(at: number): void
  stop(): void
}

/**
 * One timer for all deadlines of a map: it is set to the earliest, and looks through the map only when it fires. Calls are mostly answered long before
 * their deadline, so a timer for each would be work for nothing.
 */
export function createDeadlines<T extends { readonly deadline: number }>(init: {
  readonly entries: ReadonlyMap<number, T>
  readonly now: () => number
  readonly onExpired: (id: number, entry: T) => void
}): Deadlines {
  const { entries, now, onExpired } = init
  let next = Infinity
  let timer: NodeJS.Timeout | undefined

  function watch(at: number): void {
    if (at >= next) return
    next = at
    clearTimeout(timer)
    timer = setTimeout(expire, Math.min(Math.max(at - now(), 0), timerMsMax))
    timer.unref()
  }

  function expire(): void {
    const time = now()
    next = Infinity
    let earliest = Infinity
    for (const [id, entry] of entries) {
      if (entry.deadline <= time) onExpired(id, entry)
      else if (entry.deadline < earliest) earliest = entry.deadline
    }
    watch(earliest)
  }

  return {
    watch,
    stop() {
      clearTimeout(timer)
      next = -Infinity
    }
  }
}

/** Longer ones do not fit a timer; it then looks in between. */
const timerMsMax = 2 ** 31 - 1
