import { describe, expect, it } from 'vitest'
import { createQuarantine } from './quarantine.js'

const spin = { className: 'Counter', revision: 1, method: 'spin' }

describe('the quarantine of methods that brought their host down', () => {
  it('refuses the method alone, for twice as long each time, and at most ten minutes', () => {
    let now = 0
    const quarantine = createQuarantine(() => now)
    expect(quarantine.refuse(spin)).toBeUndefined()
    for (const pauseMs of [30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]) {
      quarantine.add(spin, 'it stood still')
      now += pauseMs - 1
      expect(quarantine.refuse(spin)).toMatchObject({
        code: 'OutOfContract',
        message: 'spin is refused for 1 s: the last call of Counter version 1, spin ended its host (it stood still)',
        detail: { executed: 'no' }
      })
      expect(quarantine.refuse({ ...spin, revision: 2 })).toBeUndefined()
      expect(quarantine.refuse({ ...spin, method: 'get' })).toBeUndefined()
      now++
      expect(quarantine.refuse(spin)).toBeUndefined()
    }
    quarantine.add(spin, 'it stood still')
    quarantine.clear()
    expect(quarantine.refuse(spin)).toBeUndefined()
  })
})
