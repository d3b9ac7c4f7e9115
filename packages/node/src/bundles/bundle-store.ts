import type { CodeRef, Manifest } from '@instar/core'

/** The bundles on this peer's disk: `<data>/bundles/<id>/manifest.json` and `<id>/files/…`, complete and verified ones only. */
export interface BundleStore {
  /** Opens the folder and removes what a killed process left half moved. */
  start(): Promise<void>
  list(): readonly string[]
  has(bundle: string): boolean
  /**
   * The path of a module of a bundle that is here.
   *
   * @throws InstarError BundleUnavailable
   */
  modulePath(ref: CodeRef): string
  /**
   * Hashes every file of the bundle. A damaged one is set aside, so that `has` turns false and the bundle is fetched again.
   *
   * @returns what is wrong, or undefined
   */
  verify(bundle: string): Promise<string | undefined>
  /** The manifest's bytes, for peers that ask. */
  manifestBytes(bundle: string): Promise<Uint8Array | undefined>
  /** One chunk as it lies on disk, for peers that ask: they verify it themselves. */
  readChunk(bundle: string, path: string, chunk: number): Promise<Uint8Array | undefined>
  /**
   * Stores a bundle at once, for the author's own peer and for import.
   *
   * @throws InstarError BundleInvalid, DiskFull
   */
  put(manifestBytes: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Promise<string>
  /** Begins or goes on with a download; what is there already is hashed and kept where it is right. */
  openPartial(manifestBytes: Uint8Array): Promise<PartialBundle>
  remove(bundle: string): Promise<void>
}

/** A bundle that is being fetched. */
export interface PartialBundle {
  readonly bundle: string
  readonly manifest: Manifest
  /** What is still to come. */
  missing(): readonly ChunkRef[]
  /** Verifies, then writes. False: the bytes are not the chunk, nothing was written. */
  write(chunk: ChunkRef, bytes: Uint8Array): Promise<boolean>
  /** Makes the complete bundle durable and visible. */
  finish(): Promise<void>
  /** Keeps what is there for the next try. */
  close(): Promise<void>
}

export interface ChunkRef {
  readonly path: string
  readonly chunk: number
  readonly bytes: number
  readonly sha256: string
}
