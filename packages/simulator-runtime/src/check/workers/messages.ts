import type { Examined, Unit } from '../examiner.js'
import type { CheckFailure } from '../report.js'

/** Addresses of modules, as `import` takes them. */
export interface Modules {
  readonly versions: readonly string[]
  readonly specifications: readonly string[]
}

export interface WorkerData {
  readonly modules: Modules
  readonly seed: number
  readonly folder: string
}

export type Request = { readonly id: number; readonly what: 'examine' | 'explain'; readonly unit: Unit }

export type Reply =
  | { readonly ready: { readonly unspecified: readonly number[] } }
  /** It cannot begin: a sentence for the author. */
  | { readonly unusable: string }
  | { readonly id: number; readonly examined: Examined }
  | { readonly id: number; readonly failure: CheckFailure | undefined }
  | { readonly id: number; readonly error: string }
