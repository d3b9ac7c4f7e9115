/** What a snapshot says of targets, and a timestamp of a snapshot. */
export interface MetaEntry {
  readonly version: number
  readonly byteLength: number | undefined
  readonly hash: string | undefined
}
