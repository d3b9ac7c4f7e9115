import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extendTrail } from './call-trail.js'

describe('the trail of a call', () => {
  it('names the methods through which it came, and of a long one the last', () => {
    let trail = extendTrail('', 'Ring.next')
    expect(trail).toBe('Ring.next')
    trail = extendTrail(`${trail} at …kWq3xYzA`, 'Other.sum')
    expect(trail).toBe('Ring.next at …kWq3xYzA → Other.sum')
    for (let i = 0; i < 40; i++) trail = extendTrail(`${trail} at …kWq3xYzA`, `Ring.next${i}`)
    expect(trail).toBe(
      '… → Ring.next36 at …kWq3xYzA → Ring.next37 at …kWq3xYzA → Ring.next38 at …kWq3xYzA → Ring.next39'
    )
  })

  it('is never longer than what a header holds, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 20 }), steps => {
        let trail = ''
        for (const step of steps) {
          trail = extendTrail(trail, step)
          expect(new TextEncoder().encode(trail).length).toBeLessThanOrEqual(180)
        }
      })
    )
  })
})
