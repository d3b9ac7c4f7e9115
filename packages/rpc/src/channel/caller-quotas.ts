/** Bounds over all channels of a process. Raising one trades memory for callers that ask much and read slowly. */
export interface CallerLimits {
  /** Calls of one caller that run at once, over all its channels; further ones are answered `Busy`. */
  readonly servingMax: number
  /** The same of all callers. When it is reached, callers are refused that have more than their share. */
  readonly servingAllMax: number
  /** Bytes held for one caller: arguments that run, answers that wait, frames that have begun. Who has more does not read its answers, and is cut off. */
  readonly bytesMax: number
  /** The same of all callers. When it is reached, the one that holds most is cut off. */
  readonly bytesAllMax: number
}

const mebibyte = 1024 * 1024

const defaultCallerLimits: CallerLimits = Object.freeze({
  servingMax: 1024,
  servingAllMax: 8192,
  bytesMax: 128 * mebibyte,
  bytesAllMax: 256 * mebibyte
})

/** What one channel takes of its caller's part. */
export interface CallerShare {
  /** Takes a place for a call; false where there is none. Each that was taken is given back with `ended`. */
  begin(): boolean
  ended(): void
  /** The channel holds so many bytes now. May end this channel, or another one. */
  holds(bytes: number): void
  /** The channel has ended. Calls that still run keep their places until they end. */
  close(): void
}

export interface CallerQuotas {
  /** A channel of this caller. @param cut ends the channel, because its caller holds too much */
  open(caller: string, cut: (reason: string) => void): CallerShare
}

interface Caller {
  running: number
  bytes: number
  readonly channels: Map<CallerShare, { bytes: number; readonly cut: (reason: string) => void }>
}

/**
 * What callers have together, so that one cannot have more by opening more channels, and a crowd of slow readers cannot fill the memory. A call costs a few additions.
 */
export function createCallerQuotas(init: {
  readonly limits?: Partial<CallerLimits>
  /** A caller was refused or cut off. */
  readonly onRefused?: (caller: string, reason: 'Busy' | 'SlowReader') => void
}): CallerQuotas {
  const limits: CallerLimits = { ...defaultCallerLimits, ...init.limits }
  const callers = new Map<string, Caller>()
  let running = 0
  let bytes = 0

  function mayBegin(caller: Caller): boolean {
    if (caller.running >= limits.servingMax) return false
    return running < limits.servingAllMax || caller.running < Math.floor(limits.servingAllMax / callers.size)
  }

  function cutOff(name: string, caller: Caller, why: string): void {
    init.onRefused?.(name, 'SlowReader')
    for (const { cut } of [...caller.channels.values()])
      cut(`${name} holds ${caller.bytes} bytes of answers and calls: ${why}`)
  }

  function afterGrowth(name: string, caller: Caller): void {
    if (caller.bytes > limits.bytesMax) cutOff(name, caller, `at most ${limits.bytesMax} are kept for one caller`)
    if (bytes <= limits.bytesAllMax) return
    let most: [string, Caller] = [name, caller]
    for (const each of callers) if (each[1].bytes > most[1].bytes) most = each
    cutOff(...most, 'it is the most of all, and memory is short')
  }

  function forget(name: string, caller: Caller): void {
    if (caller.channels.size === 0 && caller.running === 0) callers.delete(name)
  }

  return {
    open(name, cut) {
      const caller = callers.get(name) ?? { running: 0, bytes: 0, channels: new Map() }
      callers.set(name, caller)
      const held = { bytes: 0, cut }
      function grow(by: number): void {
        held.bytes += by
        caller.bytes += by
        bytes += by
      }
      const share: CallerShare = {
        begin() {
          if (!mayBegin(caller)) {
            init.onRefused?.(name, 'Busy')
            return false
          }
          caller.running++
          running++
          return true
        },
        ended() {
          caller.running--
          running--
          forget(name, caller)
        },
        holds(now) {
          const by = now - held.bytes
          if (by === 0 || !caller.channels.has(share)) return
          grow(by)
          if (by > 0) afterGrowth(name, caller)
        },
        close() {
          grow(-held.bytes)
          caller.channels.delete(share)
          forget(name, caller)
        }
      }
      caller.channels.set(share, held)
      return share
    }
  }
}
