/** For people: `250 ms`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function durationWords(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`
  if (durationMs < 90_000) return `${Math.round(durationMs / 1000)} s`
  if (durationMs < 5_400_000) return `${Math.round(durationMs / 60_000)} min`
  if (durationMs < 129_600_000) return `${Math.round(durationMs / 3_600_000)} h`
  return `${Math.round(durationMs / 86_400_000)} d`
}
