import { createHash } from 'node:crypto'

/** Names the choices of one run; printed with them, and `INSTAR_SEED` makes them again. A new one every day, so that runs add up. */
export const seed = process.env['INSTAR_SEED'] ?? new Date().toISOString().slice(0, 10)

/** Numbers from 0 to 1 that follow from the seed and the name, and from nothing else. */
export function randomOf(name: string): () => number {
  let count = 0
  return () => createHash('sha256').update(`${seed} ${name} ${++count}`).digest().readUInt32BE(0) / 2 ** 32
}
