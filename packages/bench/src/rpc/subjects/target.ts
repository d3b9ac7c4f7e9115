/** Where a driver connects to, and how it calls; as plain data, because it goes from process to process. */
export type Target =
  | { readonly kind: 'raw' | 'channel' | 'bare'; readonly address: string }
  | { readonly kind: 'grpc' | 'http2'; readonly address: string; readonly certificate: string }
  | {
      readonly kind: 'instar'
      readonly ticket: string
      readonly peer: string
      readonly method: 'echo' | 'write'
      readonly version: number
    }

/** Kinds whose server is ours; an Instar peer is started as anyone would. */
export type ServedKind = Exclude<Target['kind'], 'instar'>
