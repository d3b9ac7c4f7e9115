export interface TargetEntry {
  readonly hash: string
  readonly byteLength: number
}

export interface TargetsMetadata {
  /** `upgrades/<n>` by n. */
  readonly upgrades: ReadonlyMap<number, TargetEntry>
}
