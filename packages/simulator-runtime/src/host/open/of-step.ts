import { InstarError } from '@instar/core'

/** Of several steps it has to be known which one to blame: the version that it leads to is added to the error's detail. */
export function ofStep(error: unknown, step: number): unknown {
  if (!(error instanceof InstarError)) return error
  return new InstarError(error.code, error.message, { detail: { ...error.detail, step }, cause: error.cause ?? error })
}
