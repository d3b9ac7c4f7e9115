import { InvalidArgumentError } from 'commander'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `10s`, `5m`, `2h`, `7d` in milliseconds. @throws InvalidArgumentError */
export function parseDuration(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  if (digits === undefined) throw new InvalidArgumentError('A duration looks like 500ms, 10s, 5m, 2h or 7d.')
  return Math.round(Number(digits) * (unitMs[unit] ?? 1))
}

/** A moment: an ISO time in UTC, or a duration from now. @throws InvalidArgumentError */
export function parseMoment(text: string, nowMs: number): string {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return new Date(nowMs + parseDuration(text)).toISOString()
  const ms = Date.parse(text)
  if (!/^\d{4}-\d{2}-\d{2}T.*Z$/.test(text) || Number.isNaN(ms))
    throw new InvalidArgumentError('A moment looks like 7d (from now) or 2026-03-01T12:00:00Z.')
  return new Date(ms).toISOString()
}

export { durationWords as toWords } from '@instar/core'
