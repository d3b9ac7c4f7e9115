import { isDeepStrictEqual } from 'node:util'

/** Equal as values: the order of object keys, of sets and of maps does not count; `undefined` and a missing key are the same. */
export function areEqual(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(normal(a), normal(b))
}

function normal(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value
  if (value instanceof Date) return new Date(value)
  if (ArrayBuffer.isView(value)) return { bytes: showBytes(value) }
  if (value instanceof Set) return new Set([...value].map(normal))
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [normal(key), normal(each)]))
  if (Array.isArray(value)) return value.map(normal)
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries.map(([key, each]) => [key, normal(each)]))
}

const lengthMax = 400

/** A value for people: short, on one line, the same for equal values. */
export function show(value: unknown): string {
  const text = write(value)
  return text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text
}

function write(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return String(value)
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (value instanceof Date) return value.toISOString()
  if (ArrayBuffer.isView(value)) return showBytes(value)
  if (value instanceof Set) return `{${[...value].map(write).sort().join(', ')}}`
  if (value instanceof Map) {
    const entries = [...value].map(([key, each]) => `${write(key)} → ${write(each)}`)
    return `{${entries.sort().join(', ')}}`
  }
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => `${key}: ${write(each)}`)
  return sorted.length === 0 ? '{}' : `{ ${sorted.join(', ')} }`
}

function showBytes(view: ArrayBufferView): string {
  return `0x${Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex')}`
}
