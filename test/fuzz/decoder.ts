/** One way in for bytes that somebody else made. */
export interface Decoder {
  readonly name: string
  /** The functions that it drives, as `package:function`. The registry's test compares them with what the packages export. */
  readonly covers: readonly string[]
  /** Valid inputs, that mutants are made of. */
  readonly seeds: readonly Uint8Array[]
  /** What a peer does with the bytes. What it returns is weighed: no decoder may make much out of little. */
  readonly decode: (bytes: Uint8Array) => unknown
  /**
   * Puts a mutant into what a checksum or signature guards, as whoever holds the key could: otherwise nothing behind it is ever reached.
   * Undefined where there is no such thing for these bytes.
   */
  readonly seal?: (bytes: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** The typed error that it is documented to throw. Everything else that is thrown is a finding. */
  readonly mayThrow?: (thrown: unknown) => boolean
  /** Whether a result says that the bytes were read; standard: a verdict that accepts, alone or in a list, or any object that is no verdict. */
  readonly isRead?: (result: unknown) => boolean
  /** It does so much with each input that the main job tries fewer. */
  readonly isSlow?: boolean
  /** How much it may weigh per byte of input, where the standard is too little. */
  readonly weightPerByte?: number
}

/** Seeds as text or JSON are easier to write. */
export function seed(value: string | Uint8Array | object): Uint8Array {
  if (value instanceof Uint8Array) return value
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}
