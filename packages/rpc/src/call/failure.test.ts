import { CallError } from '@instar/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFailure, encodeFailure } from './failure.js'

describe('a call error on the wire', () => {
  it('comes back as it was', () => {
    const error = new CallError('NotYet', {
      message: 'not yet',
      retryAfterMs: 5,
      served: [1, 2],
      newest: 3,
      by: 4,
      reason: 'why'
    })
    const back = decodeFailure(encodeFailure(error))
    expect(back).toBeInstanceOf(CallError)
    expect(back).toMatchObject({ code: 'NotYet', detail: error.detail })
  })

  it('has an unknown outcome when it cannot be read', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map(text => Buffer.from(text))
        ),
        bytes => {
          expect(decodeFailure(bytes)).toMatchObject({ code: 'Failed', detail: { executed: 'unknown' } })
        }
      )
    )
  })

  it('is a failure when its code is of a later release', () => {
    const bytes = Buffer.from(JSON.stringify({ code: 'TooHot', message: 'it is too hot', executed: 'no' }))
    expect(decodeFailure(bytes)).toMatchObject({ code: 'Failed', message: 'it is too hot (TooHot)' })
  })

  it('is cut to a size that every receiver reads', () => {
    const error = new CallError('Failed', { message: 'x'.repeat(1e6), reason: 'é'.repeat(1e6) })
    expect(decodeFailure(encodeFailure(error)).message).toHaveLength(1000)
  })
})
