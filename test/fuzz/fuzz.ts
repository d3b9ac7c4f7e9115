import type { Decoder } from './decoder.js'
import { mutateBytes } from './mutate-bytes.js'
import { mutateJson } from './mutate-json.js'
import { createRandom } from './random.js'

/** Larger mutants show nothing that these do not: all bounds on unverified bytes but those of frames lie below. */
const mutantBytesMax = 640 * 1024
/** Processor time, whatever the input, three runs in a row: a collection of garbage may fall into one. A linear decoder needs a few milliseconds for the largest. */
const slowMs = 1000
const weightFree = 32 * 1024
const weightPerByte = 8

export interface Finding {
  readonly decoder: string
  readonly seed: string
  readonly iteration: number
  readonly flaw: string
  readonly input: Uint8Array
}

export interface FuzzReport {
  readonly inputs: number
  readonly findings: readonly Finding[]
  readonly slowestMs: number
}

export interface FuzzInit {
  readonly seed: string
  readonly from: number
  readonly to: number
  /** Told before each input, so that whoever watches can name the one that does not come back. */
  readonly onInput?: (iteration: number) => void
}

/** Feeds a decoder the mutants of these numbers. The same seed and number give the same mutant. */
export async function fuzz(decoder: Decoder, { seed, from, to, onInput }: FuzzInit): Promise<FuzzReport> {
  const findings: Finding[] = []
  let inputs = 0
  let slowestMs = 0
  for (let iteration = from; iteration < to; iteration++) {
    onInput?.(iteration)
    const input = await mutantOf(decoder, seed, iteration)
    if (input === undefined) continue
    inputs++
    const { flaw, ms } = await judge(decoder, input)
    slowestMs = Math.max(slowestMs, ms)
    if (flaw !== undefined) findings.push({ decoder: decoder.name, seed, iteration, flaw, input })
  }
  return { inputs, findings, slowestMs }
}

/** Whether the decoder reads this seed as what it is: a corpus that is not valid tests nothing. */
export async function isValid({ decode, seal, isRead = isTaken }: Decoder, seed: Uint8Array): Promise<boolean> {
  const sealed = seal === undefined ? seed : await seal(seed)
  return sealed !== undefined && isRead(await decode(sealed))
}

function isTaken(result: unknown): boolean {
  if (Array.isArray(result)) return result.some(isTaken)
  if (typeof result !== 'object' || result === null) return result === 'accept' || typeof result === 'number'
  const { verdict } = result as { verdict?: unknown }
  return verdict === undefined || verdict === 'accept'
}

/** The first numbers are the seeds themselves. */
async function mutantOf(
  { name, seeds, seal }: Decoder,
  seed: string,
  iteration: number
): Promise<Uint8Array | undefined> {
  const random = createRandom(seed, name, iteration)
  let bytes = seeds[iteration]
  if (bytes === undefined) {
    bytes = random.pick(seeds)
    for (let rounds = 1 + (random.once(3) ? random.below(5) : 0); rounds > 0; rounds--) {
      const text: string | undefined = random.once(4)
        ? undefined
        : mutateJson(Buffer.from(bytes).toString('utf8'), random)
      bytes = text === undefined ? mutateBytes(bytes, random, seeds) : Buffer.from(text)
      if (bytes.length > mutantBytesMax) bytes = bytes.subarray(0, mutantBytesMax)
    }
  }
  // A decoder gets a view into a larger buffer, as from a socket: one that looks past its bytes is found out.
  const sealed = seal === undefined ? bytes : await seal(bytes)
  return sealed && Buffer.concat([Buffer.from([0xff]), sealed, Buffer.from([0xff])]).subarray(1, -1)
}

async function judge(decoder: Decoder, input: Uint8Array): Promise<{ flaw?: string; ms: number }> {
  const before = Buffer.from(input)
  let ms = Infinity
  try {
    for (let runs = 0; runs < 3 && ms > slowMs; runs++) {
      const started = process.cpuUsage()
      const result = await decoder.decode(input)
      const { user, system } = process.cpuUsage(started)
      ms = Math.min(ms, (user + system) / 1000)
      const most = weightFree + input.length * (decoder.weightPerByte ?? weightPerByte)
      if (weighs(result, most)) return { flaw: `it made more than ${most} out of ${input.length} bytes`, ms }
    }
  } catch (thrown) {
    if (decoder.mayThrow?.(thrown) !== true) {
      return { flaw: `it threw ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`, ms: 0 }
    }
    ms = 0
  }
  if (ms > slowMs) return { flaw: `it took ${Math.round(ms)} ms of processor time for ${input.length} bytes`, ms }
  if (!before.equals(input)) return { flaw: 'it changed the bytes that it was given', ms }
  return { ms }
}

/** Whether a value weighs more than `most`: an item each, and the length of every text and every run of bytes. */
function weighs(value: unknown, most: number): boolean {
  const open: unknown[] = [value]
  const seen = new Set<object>()
  let weight = 0
  while (open.length > 0) {
    const each = open.pop()
    weight++
    if (typeof each === 'string') weight += each.length
    else if (typeof each === 'object' && each !== null && !seen.has(each)) {
      seen.add(each)
      if (ArrayBuffer.isView(each)) weight += each.byteLength
      else if (each instanceof Map) for (const [key, item] of each) open.push(key, item)
      else if (each instanceof Set) open.push(...each)
      else if (Array.isArray(each)) for (const item of each) open.push(item)
      else for (const key of Object.keys(each)) open.push(key, (each as Record<string, unknown>)[key])
    }
    if (weight > most) return true
  }
  return false
}
