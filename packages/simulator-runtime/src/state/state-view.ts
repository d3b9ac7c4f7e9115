/** How keys or values become bytes: a name that level-transcoder knows, or an encoding object of its shape. */
export type Encoding =
  | 'utf8'
  | 'json'
  | 'buffer'
  | 'view'
  | 'hex'
  | 'base64'
  | {
      readonly name: string
      readonly format: 'buffer' | 'view' | 'utf8'
      /** Turns a key or value into what `format` says. */
      encode(data: never): unknown
      /** The way back. */
      decode(data: never): unknown
    }

/** Encodings that differ from those of the view. */
export interface EncodingOptions {
  readonly keyEncoding?: Encoding
  readonly valueEncoding?: Encoding
}

/** Which keys, in which order, and how many. */
export interface RangeOptions<K> {
  readonly gt?: K
  readonly gte?: K
  readonly lt?: K
  readonly lte?: K
  readonly reverse?: boolean
  /** At most this many entries; negative or absent: all. */
  readonly limit?: number
}

/** One of several writes that are made in order. */
export type BatchOperation<K, V> =
  | ({ readonly type: 'put'; readonly key: K; readonly value: V } & EncodingOptions)
  | ({ readonly type: 'del'; readonly key: K } & Pick<EncodingOptions, 'keyEncoding'>)

/** Reads in key order from the state as it was when the iterator was made; writes made later do not show. */
export interface StateIterator<T> extends AsyncIterable<T> {
  /** The next entry; `undefined` at the end. */
  next(): Promise<T | undefined>
  /** Up to this many entries at once; none at the end. */
  nextv(size: number): Promise<T[]>
  /** Every entry that is left. The memory it takes is yours to watch. */
  all(): Promise<T[]>
  /** Ends it early. The request does so in the end. */
  close(): Promise<void>
}

/**
 * Managed state, in the manner of abstract-level: an ordered map of encoded keys to encoded values. Keys are `utf8` and values `json`
 * unless said otherwise. A key that is not there reads as `undefined`.
 */
export interface ReadOnlyStateView<K = string, V = unknown> {
  /** The value of a key, or `undefined`. */
  get<KT = K, VT = V>(key: KT, options?: EncodingOptions): Promise<VT | undefined>
  /** The values of several keys, in their order. */
  getMany<KT = K, VT = V>(keys: readonly KT[], options?: EncodingOptions): Promise<Array<VT | undefined>>
  /** Whether there is a value. */
  has<KT = K>(key: KT, options?: Pick<EncodingOptions, 'keyEncoding'>): Promise<boolean>
  /** Entries in the order of their keys. */
  iterator<KT = K, VT = V>(options?: RangeOptions<KT> & EncodingOptions): StateIterator<[KT, VT]>
  /** Keys in order. */
  keys<KT = K>(options?: RangeOptions<KT> & EncodingOptions): StateIterator<KT>
  /** Values in the order of their keys. */
  values<KT = K, VT = V>(options?: RangeOptions<KT> & EncodingOptions): StateIterator<VT>
  /** A part of the state whose keys begin with `!name!`. */
  sublevel<KT = string, VT = unknown>(name: string, options?: EncodingOptions): ReadOnlyStateView<KT, VT>
}

/**
 * The state of one façade, for the length of one request: a query reads the snapshot of its start, a command sees its own writes over
 * what earlier commands left (§9). After the request it refuses every use.
 */
export interface StateView<K = string, V = unknown> extends ReadOnlyStateView<K, V> {
  /** Writes a value, over the one that was there. */
  put<KT = K, VT = V>(key: KT, value: VT, options?: EncodingOptions): Promise<void>
  /** Removes a key; one that is not there is no mistake. */
  del<KT = K>(key: KT, options?: Pick<EncodingOptions, 'keyEncoding'>): Promise<void>
  /** Several writes in order. */
  batch<KT = K, VT = V>(operations: ReadonlyArray<BatchOperation<KT, VT>>, options?: EncodingOptions): Promise<void>
  /** Removes every key of the range. */
  clear<KT = K>(options?: RangeOptions<KT> & Pick<EncodingOptions, 'keyEncoding'>): Promise<void>
  sublevel<KT = string, VT = unknown>(name: string, options?: EncodingOptions): StateView<KT, VT>
}
