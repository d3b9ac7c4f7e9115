import { accept, reject, type Verdict } from '@instar/core'
import { readUint32, writeUint32 } from '../frame/frame.js'

/**
 * What travels before the arguments of a call (R1: the version is in every call, never inferred from the connection).
 *
 * Layout: `u8 flags | u32 version | 8 bytes chain id | u32 remaining ms | u8 n, class | u8 n, method`, then if flagged
 * `16 bytes session | u48 seq | u48 done below`, then if flagged `u32 revision | u8 n, caller`, then if flagged `u8 hops | u8 n, trail`.
 */
export interface CallHeader {
  readonly version: number
  /** First 8 bytes of the caller's chain id (§6) as 16 hexadecimal digits; absent where the caller does not know it. */
  readonly chainId?: string
  readonly className: string
  readonly method: string
  /** 16 bytes as hexadecimal digits; absent for a call that is not to be answered twice (§12). */
  readonly session?: string
  /** Number of the request in its session, from 1; 0 without a session. */
  readonly seq: number
  /** The caller has the answers of all requests below this one and will not ask for them again. */
  readonly doneBelow: number
  /** What is left of the caller's deadline; each hop counts it down again (§12). At least 1. */
  readonly remainingMs: number
  /** Set by the router: the revision of the class that serves `version` here (§6). Never believed from the network. */
  readonly revision?: number
  /** Set by the router: the caller's peer id as text. Never believed from the network. */
  readonly caller?: string
  /** How many peers the call has come through, from 1; absent where a client made it. */
  readonly hops?: number
  /** The methods through which it came, for people; see `extendTrail` of the core; at most 200 bytes. */
  readonly trail?: string
}

export const callHeaderBytesMax = 1024

const flagSession = 1
const flagHost = 2
const flagHops = 4
const sessionPattern = /^[0-9a-f]{32}$/
const chainIdPattern = /^[0-9a-f]{16}$/
const uint32Max = 0xffffffff
const uint48Max = 2 ** 48 - 1
const fixedBytes = 17
const trailBytesMax = 200
const noChainId = '0000000000000000'

const scratch = Buffer.alloc(callHeaderBytesMax)

/** @throws RangeError when a field does not fit, which only a mistake of ours can cause */
export function encodeCallHeader(header: CallHeader): Uint8Array {
  return Uint8Array.from(scratch.subarray(0, writeCallHeader(scratch, 0, header)))
}

/**
 * Writes a header into a buffer with room for `callHeaderBytesMax` and answers where it ends.
 *
 * @throws RangeError as `encodeCallHeader`
 */
export function writeCallHeader(target: Buffer, start: number, header: CallHeader): number {
  const { session, chainId, caller } = header
  const hostFields = header.revision !== undefined || caller !== undefined
  const { hops = 0, trail = '' } = header
  target[start] = (session === undefined ? 0 : flagSession) | (hostFields ? flagHost : 0) | (hops > 0 ? flagHops : 0)
  writeUint32(target, start + 1, inRange(header.version, 1, uint32Max, 'version'))
  if (chainId === undefined) target.fill(0, start + 5, start + 13)
  else target.write(matching(chainId, chainIdPattern, 'chainId'), start + 5, 8, 'hex')
  const remainingMs = Math.min(Math.max(Math.ceil(header.remainingMs), 0), uint32Max)
  writeUint32(target, start + 13, inRange(remainingMs, 0, uint32Max, 'remainingMs'))
  let at = writeText(target, start + fixedBytes, header.className, 'className')
  at = writeText(target, at, header.method, 'method')
  if (session !== undefined) {
    target.write(matching(session, sessionPattern, 'session'), at, 16, 'hex')
    target.writeUIntBE(inRange(header.seq, 1, uint48Max, 'seq'), at + 16, 6)
    target.writeUIntBE(inRange(header.doneBelow, 0, header.seq, 'doneBelow'), at + 22, 6)
    at += 28
  }
  if (hostFields) {
    writeUint32(target, at, inRange(header.revision ?? 0, 0, uint32Max, 'revision'))
    at = writeText(target, at + 4, caller ?? '', 'caller')
  }
  if (hops > 0) {
    target[at] = inRange(hops, 1, 255, 'hops')
    if (Buffer.byteLength(trail) > trailBytesMax) throw new RangeError('the trail of a call is too long')
    at = writeText(target, at + 1, trail, 'trail')
  }
  return at
}

/** Reads a header from the wire; it must fill the bytes exactly. Never throws. */
export function decodeCallHeader(bytes: Uint8Array): Verdict<CallHeader> {
  if (bytes.byteLength > callHeaderBytesMax) return malformed('longer than allowed')
  if (bytes.byteLength < fixedBytes) return malformed('cut short')
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = source[0] as number
  if ((flags & ~(flagSession | flagHost | flagHops)) !== 0) return malformed('unknown flags')
  const version = readUint32(source, 1)
  if (version === 0) return malformed('version 0')
  const chainId = source.toString('hex', 5, 13)
  let at = fixedBytes
  const className = readText(source, at)
  if (className === undefined) return malformed('class cut short')
  at += 1 + (source[at] as number)
  const method = readText(source, at)
  if (method === undefined) return malformed('method cut short')
  at += 1 + (source[at] as number)
  const header: { -readonly [K in keyof CallHeader]: CallHeader[K] } = {
    version,
    className,
    method,
    seq: 0,
    doneBelow: 0,
    remainingMs: readUint32(source, 13)
  }
  if (chainId !== noChainId) header.chainId = chainId
  if ((flags & flagSession) !== 0) {
    if (source.byteLength < at + 28) return malformed('session cut short')
    header.session = source.toString('hex', at, at + 16)
    header.seq = source.readUIntBE(at + 16, 6)
    header.doneBelow = source.readUIntBE(at + 22, 6)
    if (header.seq === 0) return malformed('sequence number 0')
    if (header.doneBelow > header.seq) return malformed('done below its own number')
    at += 28
  }
  if ((flags & flagHost) !== 0) {
    const caller = source.byteLength < at + 5 ? undefined : readText(source, at + 4)
    if (caller === undefined) return malformed('caller cut short')
    header.revision = readUint32(source, at)
    header.caller = caller
    at += 5 + (source[at + 4] as number)
  }
  if ((flags & flagHops) !== 0) {
    const trail = source.byteLength < at + 2 ? undefined : readText(source, at + 1)
    const hops = source[at]
    if (trail === undefined || hops === undefined) return malformed('trail cut short')
    if (hops === 0) return malformed('hops 0')
    if ((source[at + 1] as number) > trailBytesMax) return malformed('trail too long')
    header.hops = hops
    header.trail = trail
    at += 2 + (source[at + 1] as number)
  }
  return at === source.byteLength ? accept(header) : malformed('trailing bytes')
}

function malformed(what: string): Verdict<never> {
  return reject('BadCallHeader', `the header of a call is malformed: ${what}`)
}

function inRange(value: number, low: number, high: number, name: string): number {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new RangeError(`${name} ${value} of a call is out of range`)
  return value
}

function matching(text: string, pattern: RegExp, name: string): string {
  if (!pattern.test(text)) throw new RangeError(`${name} of a call has the wrong form`)
  return text
}

function writeText(target: Buffer, at: number, text: string, name: string): number {
  const bytes = Buffer.byteLength(text)
  if (bytes > 255) throw new RangeError(`${name} of a call is longer than 255 bytes`)
  target[at] = bytes
  target.write(text, at + 1)
  return at + 1 + bytes
}

function readText(source: Buffer, at: number): string | undefined {
  const bytes = source[at]
  if (bytes === undefined || at + 1 + bytes > source.byteLength) return undefined
  return source.toString('utf8', at + 1, at + 1 + bytes)
}
