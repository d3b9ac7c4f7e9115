/** One call on the stack of the host's main thread: its function, and the class whose instance it ran on, where there was one. */
export interface StackFrame {
  readonly function: string
  readonly of?: string
}

/**
 * What the watch of a host process says, one line of JSON each, innermost frame first. After `stalled` and `memory` it kills the process;
 * `seen` is what ran when memory grew past the heap's limit, for the case that V8 ends the process next.
 */
export type WatchReport =
  | { readonly type: 'stalled'; readonly silentMs: number; readonly frames: readonly StackFrame[] }
  | {
      readonly type: 'memory'
      readonly usedMiB: number
      readonly limitMiB: number
      readonly frames: readonly StackFrame[]
    }
  | { readonly type: 'seen'; readonly frames: readonly StackFrame[] }

/** Bounds of a host that the watch keeps from inside its process. */
export interface WatchLimits {
  /** How long the host's event loop may stand still while it serves. */
  readonly stallMs: number
  /** Memory of the whole process, buffers included. */
  readonly memoryMiB: number
}

export interface WatchInit extends WatchLimits {
  /** The process of the peer: when it is gone, so is the host. */
  readonly parent: number
  readonly heapMiB: number
  /** See `watchIndex`. */
  readonly shared: Int32Array
}

/** What main thread and watch share. */
export const watchIndex = { beats: 0, serving: 1, length: 2 } as const

/** The pipe for reports: the watch writes to it although the main thread may never run again. */
export const reportDescriptor = 5

const lineCharactersMax = 16 * 1024
export const framesMax = 24
const nameCharactersMax = 120

/** Reads what a host wrote. It may be anything: code of a bundle can write there too. */
export function parseReport(line: string): WatchReport | undefined {
  if (line.length > lineCharactersMax) return undefined
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const { type, frames, silentMs, usedMiB, limitMiB } = (value ?? {}) as Record<string, unknown>
  const stack = toFrames(frames)
  if (type === 'seen') return { type, frames: stack }
  if (type === 'stalled' && isCount(silentMs)) return { type, silentMs, frames: stack }
  if (type === 'memory' && isCount(usedMiB) && isCount(limitMiB)) return { type, usedMiB, limitMiB, frames: stack }
  return undefined
}

export function toFrames(value: unknown): readonly StackFrame[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, framesMax).flatMap((each: unknown) => {
    const { function: name, of } = (each ?? {}) as Record<string, unknown>
    if (typeof name !== 'string') return []
    return [
      {
        function: name.slice(0, nameCharactersMax),
        ...(typeof of === 'string' ? { of: of.slice(0, nameCharactersMax) } : {})
      }
    ]
  })
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
