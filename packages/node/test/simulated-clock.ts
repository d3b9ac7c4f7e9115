/** Two clocks and timers that move only when told to: for whatever waits for days. */
export interface SimulatedClock {
  readonly wallMs: () => number
  readonly monoMs: () => number
  readonly after: (delayMs: number, callback: () => void) => () => void
  /** Lets time pass; whatever falls due on the way runs at its time, and what it begins is waited for. */
  pass(ms: number): Promise<void>
  /** Sets the wall clock, as an operator does. */
  setWall(ms: number): void
  /** Sleeps like a laptop: the wall clock goes on, everything else stands still. */
  sleep(ms: number): void
  readonly waiting: number
}

export function simulatedClock(startMs: number): SimulatedClock {
  const timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>()
  let monoMs = 0
  let offsetMs = startMs
  let ids = 0
  return {
    wallMs: () => monoMs + offsetMs,
    monoMs: () => monoMs,
    after(delayMs, callback) {
      const id = ids++
      timers.set(id, { atMs: monoMs + delayMs, callback })
      return () => timers.delete(id)
    },
    async pass(ms) {
      const endMs = monoMs + ms
      await settled()
      for (;;) {
        const [next] = [...timers].filter(([, { atMs }]) => atMs <= endMs).sort(([, a], [, b]) => a.atMs - b.atMs)
        if (next === undefined) break
        timers.delete(next[0])
        monoMs = Math.max(monoMs, next[1].atMs)
        next[1].callback()
        await settled()
      }
      monoMs = endMs
    },
    setWall(ms) {
      offsetMs = ms - monoMs
    },
    sleep(ms) {
      offsetMs += ms
    },
    get waiting() {
      return timers.size
    }
  }
}

/** What needs no time but turns of the event loop: promises, signatures. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve))
}
