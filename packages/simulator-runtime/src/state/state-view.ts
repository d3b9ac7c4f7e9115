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
      encode(data: never): unknown
      decode(data: never): unknown
    }

export interface EncodingOptions {
  readonly keyEncoding?: Encoding
  readonly valueEncoding?: Encoding
}

export interface RangeOptions<K> {
  readonly gt?: K
  readonly gte?: K
  readonly lt?: K
  readonly lte?: K
  readonly reverse?: boolean
  /** At most this many entries; negative or absent: all. */
  readonly limit?: number
}

export type BatchOperation<K, V> =
  | ({ readonly type: 'put'; readonly key: K; readonly value: V } & EncodingOptions)
  | ({ readonly type: 'del'; readonly key: K } & Pick<EncodingOptions, 'keyEncoding'>)

/** Reads in key order from the state as it was when the iterator was made; writes made later do not show. */
export interface StateIterator<T> extends AsyncIterable<T> {
  next(): Promise<T | undefined>
  nextv(size: number): Promise<T[]>
  all(): Promise<T[]>
  close(): Promise<void>
}

/**
 * Managed state, in the manner of abstract-level: an ordered map of encoded keys to encoded values. Keys are `utf8` and values `json`
 * unless said otherwise. A key that is not there reads as `undefined`.
 */
export interface ReadOnlyStateView<K = string, V = unknown> {
  get<KT = K, VT = V>(key: KT, options?: EncodingOptions): Promise<VT | undefined>
  getMany<KT = K, VT = V>(keys: readonly KT[], options?: EncodingOptions): Promise<Array<VT | undefined>>
  has<KT = K>(key: KT, options?: Pick<EncodingOptions, 'keyEncoding'>): Promise<boolean>
  iterator<KT = K, VT = V>(options?: RangeOptions<KT> & EncodingOptions): StateIterator<[KT, VT]>
  keys<KT = K>(options?: RangeOptions<KT> & EncodingOptions): StateIterator<KT>
  values<KT = K, VT = V>(options?: RangeOptions<KT> & EncodingOptions): StateIterator<VT>
  /** A part of the state whose keys begin with `!name!`. */
  sublevel<KT = string, VT = unknown>(name: string, options?: EncodingOptions): ReadOnlyStateView<KT, VT>
}

/**
 * The state of one façade, for the length of one request: a query reads the snapshot of its start, a command sees its own writes over
 * what earlier commands left (§9). After the request it refuses every use.
 */
export interface StateView<K = string, V = unknown> extends ReadOnlyStateView<K, V> {
  put<KT = K, VT = V>(key: KT, value: VT, options?: EncodingOptions): Promise<void>
  del<KT = K>(key: KT, options?: Pick<EncodingOptions, 'keyEncoding'>): Promise<void>
  batch<KT = K, VT = V>(operations: ReadonlyArray<BatchOperation<KT, VT>>, options?: EncodingOptions): Promise<void>
  clear<KT = K>(options?: RangeOptions<KT> & Pick<EncodingOptions, 'keyEncoding'>): Promise<void>
  sublevel<KT = string, VT = unknown>(name: string, options?: EncodingOptions): StateView<KT, VT>
}
