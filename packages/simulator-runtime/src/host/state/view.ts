import { Transcoder, type Encoding as TranscodedEncoding } from 'level-transcoder'
import type {
  BatchOperation,
  Encoding,
  EncodingOptions,
  RangeOptions,
  StateIterator,
  StateView
} from '../../state/state-view.js'
import type { Access } from './access.js'
import type { ByteKey, KeyRange } from './layer.js'
import { ViewIterator } from './view-iterator.js'

export type Codec = TranscodedEncoding<unknown, Buffer, unknown>

const transcoder = new Transcoder<Buffer>(['buffer'])
const utf8 = codecOf('utf8')
const json = codecOf('json')
const ascii = /^[\x00-\x7f]*$/

/**
 * The state of one façade. Light on purpose: one is made for every request, where a subclass of AbstractLevel would cost more than the
 * request. A test compares it with the real thing, operation by operation.
 */
export class View implements StateView {
  readonly #access: Access
  readonly #prefix: ByteKey
  readonly #keyCodec: Codec
  readonly #valueCodec: Codec

  constructor(access: Access, prefix: ByteKey, keyCodec: Codec = utf8, valueCodec: Codec = json) {
    this.#access = access
    this.#prefix = prefix
    this.#keyCodec = keyCodec
    this.#valueCodec = valueCodec
  }

  async get<VT>(key: unknown, options?: EncodingOptions): Promise<VT | undefined> {
    return this.#decode(this.#access.read(this.#whole(key, options)), options) as VT | undefined
  }

  async getMany<VT>(keys: readonly unknown[], options?: EncodingOptions): Promise<Array<VT | undefined>> {
    return keys.map(key => this.#decode(this.#access.read(this.#whole(key, options)), options) as VT | undefined)
  }

  async has(key: unknown, options?: EncodingOptions): Promise<boolean> {
    return this.#access.read(this.#whole(key, options)) !== undefined
  }

  async put(key: unknown, value: unknown, options?: EncodingOptions): Promise<void> {
    return this.#access.write(this.#whole(key, options), this.#encode(value, options))
  }

  async del(key: unknown, options?: EncodingOptions): Promise<void> {
    return this.#access.write(this.#whole(key, options), null)
  }

  async batch<KT, VT>(operations: ReadonlyArray<BatchOperation<KT, VT>>, options?: EncodingOptions): Promise<void> {
    // Everything is encoded before anything is written: a bad operation must not leave half a batch behind.
    const writes = operations.map((operation): [ByteKey, Buffer | null] => {
      const encodings = options === undefined ? operation : { ...options, ...operation }
      const key = this.#whole(operation.key, encodings)
      return [key, operation.type === 'put' ? this.#encode(operation.value, encodings) : null]
    })
    for (const [key, value] of writes) {
      const written = this.#access.write(key, value)
      if (written !== undefined) await written
    }
  }

  iterator<KT, VT>(options: RangeOptions<KT> & EncodingOptions = {}): StateIterator<[KT, VT]> {
    const key = this.#keyDecoder(options)
    return this.#iterate(options, (whole, value) => [key(whole), this.#decode(value, options)] as [KT, VT])
  }

  keys<KT>(options: RangeOptions<KT> & EncodingOptions = {}): StateIterator<KT> {
    const key = this.#keyDecoder(options)
    return this.#iterate(options, whole => key(whole) as KT)
  }

  values<KT, VT>(options: RangeOptions<KT> & EncodingOptions = {}): StateIterator<VT> {
    return this.#iterate(options, (_, value) => this.#decode(value, options) as VT)
  }

  async clear<KT>(options: RangeOptions<KT> & EncodingOptions = {}): Promise<void> {
    const { range, limit } = this.#range(options)
    this.#access.begin()
    const source = this.#access.entries(range, options.reverse === true, limit)
    try {
      let left = limit < 0 ? Infinity : limit
      while (left > 0) {
        const entries = await source.next(Math.min(left, 1000))
        if (entries.length === 0) break
        left -= entries.length
        for (const [key] of entries) await this.#access.write(key, null)
      }
    } finally {
      await source.close()
      this.#access.end()
    }
  }

  sublevel<KT, VT>(name: string, options: EncodingOptions = {}): StateView<KT, VT> {
    return new View(
      this.#access,
      `${this.#prefix}!${sublevelName(name)}!`,
      options.keyEncoding === undefined ? utf8 : codecOf(options.keyEncoding),
      options.valueEncoding === undefined ? json : codecOf(options.valueEncoding)
    )
  }

  #iterate<KT, T>(
    options: RangeOptions<KT> & EncodingOptions,
    convert: (key: ByteKey, value: Buffer) => T
  ): StateIterator<T> {
    const { range, limit } = this.#range(options)
    return new ViewIterator(this.#access.entries(range, options.reverse === true, limit), limit, convert)
  }

  #range<KT>(options: RangeOptions<KT> & EncodingOptions): { range: KeyRange; limit: number } {
    const bound = (key: KT): ByteKey => this.#prefix + this.#bytesOf(key, options)
    const { gt, gte, lt, lte } = options
    const lower = gte ?? gt
    const upper = lte ?? lt
    const limit = options.limit
    return {
      limit: limit !== undefined && Number.isInteger(limit) && limit >= 0 ? limit : -1,
      range: {
        lower: lower === undefined ? this.#prefix : bound(lower),
        lowerInside: lower === undefined || gte !== undefined,
        upper: upper === undefined ? afterPrefix(this.#prefix) : bound(upper),
        upperInside: upper !== undefined && lte !== undefined
      }
    }
  }

  #whole(key: unknown, options: EncodingOptions | undefined): ByteKey {
    if (key === null || key === undefined) throw levelError('LEVEL_INVALID_KEY', 'a key cannot be null or undefined')
    return this.#prefix + this.#bytesOf(key, options)
  }

  #bytesOf(key: unknown, options: EncodingOptions | undefined): ByteKey {
    const codec = options?.keyEncoding === undefined ? this.#keyCodec : codecOf(options.keyEncoding)
    if (codec === utf8 && typeof key === 'string' && ascii.test(key)) return key
    return codec.encode(key).toString('latin1')
  }

  #keyDecoder(options: EncodingOptions): (whole: ByteKey) => unknown {
    const codec = options.keyEncoding === undefined ? this.#keyCodec : codecOf(options.keyEncoding)
    const prefixBytes = this.#prefix.length
    return whole => codec.decode(Buffer.from(whole.slice(prefixBytes), 'latin1'))
  }

  #encode(value: unknown, options: EncodingOptions | undefined): Buffer {
    if (value === null || value === undefined) {
      throw levelError('LEVEL_INVALID_VALUE', 'a value cannot be null or undefined')
    }
    const codec = options?.valueEncoding === undefined ? this.#valueCodec : codecOf(options.valueEncoding)
    const bytes = codec.encode(value)
    // The author keeps their buffer and may write to it later.
    return codec === json || codec === utf8 ? bytes : Buffer.from(bytes)
  }

  #decode(bytes: Buffer | undefined, options: EncodingOptions | undefined): unknown {
    if (bytes === undefined) return undefined
    const codec = options?.valueEncoding === undefined ? this.#valueCodec : codecOf(options.valueEncoding)
    return codec.decode(codec === json || codec === utf8 ? bytes : Buffer.from(bytes))
  }
}

/** A stored key, without the prefixes of its space and sublevels. */
export function decodedKey(key: ByteKey, { keyEncoding }: EncodingOptions = {}): unknown {
  return (keyEncoding === undefined ? utf8 : codecOf(keyEncoding)).decode(Buffer.from(key, 'latin1'))
}

/** A stored value; a copy, where the decoder would give out the bytes themselves. */
export function decodedValue(bytes: Buffer, { valueEncoding }: EncodingOptions = {}): unknown {
  const codec = valueEncoding === undefined ? json : codecOf(valueEncoding)
  return codec.decode(codec === json || codec === utf8 ? bytes : Buffer.from(bytes))
}

function codecOf(encoding: Encoding): Codec {
  return transcoder.encoding(encoding as 'json')
}

/** The first key after all that begin with the prefix; every prefix here ends with `!`. */
export function afterPrefix(prefix: ByteKey): ByteKey {
  return `${prefix.slice(0, -1)}"`
}

/** As abstract-level: without surrounding separators, and of bytes that keep `!a!` and `!aa!` apart. */
function sublevelName(name: string): string {
  const trimmed = name.replace(/^!+|!+$/g, '')
  if (!/^[#-~]+$/.test(trimmed)) {
    throw levelError('LEVEL_INVALID_PREFIX', `a sublevel's name uses bytes from # to ~, unlike ${JSON.stringify(name)}`)
  }
  return trimmed
}

function levelError(code: string, message: string): Error {
  return Object.assign(new TypeError(message), { code })
}
