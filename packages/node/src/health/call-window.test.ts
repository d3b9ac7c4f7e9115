import { describe, expect, it } from 'vitest'
import { createCallWindow, type CallWindow } from './call-window.js'

const minutesMs = 60_000

function call(window: CallWindow, caller: string, calls: number, errors = 0): void {
  const account = window.accountOf(caller)
  account.calls += calls
  account.errors += errors
}

describe('a window over calls', () => {
  it('says what each caller met with', () => {
    const window = createCallWindow(() => 0)
    call(window, 'a', 10, 5)
    call(window, 'b', 30)
    expect(window.figures()).toEqual({
      calls: 40,
      errors: 5,
      callers: 2,
      shares: 0.5,
      failing: [{ caller: 'a', calls: 10, errors: 5 }]
    })
    expect(window.answered()).toBe(35)
  })

  it('counts nobody who has only asked', () => {
    const window = createCallWindow(() => 0)
    window.accountOf('a')
    expect(window.figures()).toMatchObject({ callers: 0, shares: 0 })
  })

  it('keeps a caller in one place when it moves on, and leaves out what is long ago', () => {
    let now = 0
    const window = createCallWindow(() => now)
    call(window, 'a', 2000, 1000)
    now += 10 * minutesMs
    window.rotate()
    call(window, 'a', 1000)
    expect(window.figures().failing).toEqual([{ caller: 'a', calls: 3000, errors: 1000 }])
    now += 10 * minutesMs
    window.rotate()
    expect(window.figures()).toMatchObject({ calls: 1000, errors: 0 })
    expect(window.answered()).toBe(2000)
  })

  it('reaches as far back as a thousand calls go, where few come', () => {
    let now = 0
    const window = createCallWindow(() => now)
    call(window, 'a', 999)
    for (let i = 0; i < 100; i++) {
      now += 10 * minutesMs
      window.rotate()
    }
    expect(window.figures().calls).toBe(999)
  })

  it('tells so many callers apart, and keeps the sums of more of them right', () => {
    const window = createCallWindow(() => 0)
    for (let i = 0; i < 10_000; i++) call(window, `caller ${i}`, 4, i % 2)
    const { failing, ...sums } = window.figures()
    expect(sums).toEqual({ calls: 40_000, errors: 5000, callers: 10_000, shares: 1250 })
    expect(failing).toHaveLength(256)
    expect(window.answered()).toBe(35_000)
  })

  it('begins anew when it is cleared; what was under way counts for what was before', () => {
    const window = createCallWindow(() => 0)
    const before = window.accountOf('a')
    call(window, 'a', 5)
    window.clear()
    before.calls++
    expect(window.figures().calls).toBe(0)
    expect(window.answered()).toBe(0)
  })
})
