import { z } from 'zod'

/** `>=22`, `>=22.12` or `>=22.12.0`. */
const nodePattern = /^>=\d{1,5}(?:\.\d{1,5}){0,2}$/

/** What the author of a class upgrade knows that it takes of a machine. */
export const needsSchema = z.strictObject({
  /** Free bytes on the disk of the data directory, where the peer's own reckoning from the size of the state is too low. */
  diskBytes: z.int().min(0).optional(),
  /** Memory that is free for one more host process. */
  memoryMiB: z
    .int()
    .min(0)
    .max(1024 * 1024)
    .optional(),
  /** Operating system and processor as Node names them, for example `linux-x64`; absent: any. */
  platforms: z
    .array(z.string().regex(/^[a-z0-9]{1,20}-[a-z0-9]{1,20}$/))
    .min(1)
    .max(32)
    .optional(),
  /** The releases of Node that can run it, for example `>=22.12`. */
  node: z.string().regex(nodePattern).optional()
})

/** What a class upgrade needs of a machine; each field absent: nothing in particular. */
export type Needs = Readonly<z.infer<typeof needsSchema>>

/** Whether a release of Node is new enough; pre-release tags do not count. */
export function canRunOn(node: string, needed: string): boolean {
  const least = /^>=([\d.]+)$/.exec(needed)?.[1]?.split('.').map(Number)
  const here = /^(\d+)\.(\d+)\.(\d+)/.exec(node)?.slice(1).map(Number)
  if (least === undefined || here === undefined) return false
  for (const [i, part] of least.entries()) {
    const ours = here[i] ?? 0
    if (ours !== part) return ours > part
  }
  return true
}
