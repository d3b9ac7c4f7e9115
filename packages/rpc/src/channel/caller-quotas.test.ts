import { describe, expect, it, vi } from 'vitest'
import { createCallerQuotas } from './caller-quotas.js'

const limits = { servingMax: 4, servingAllMax: 6, bytesMax: 100, bytesAllMax: 150 }
const nothing = () => undefined

describe('what callers have together', () => {
  it('is so many calls for each, however many channels it opens', () => {
    const onRefused = vi.fn()
    const quotas = createCallerQuotas({ limits, onRefused })
    const channels = Array.from({ length: 10 }, () => quotas.open('flooder', nothing))
    expect(channels.filter(each => each.begin())).toHaveLength(4)
    expect(onRefused).toHaveBeenCalledWith('flooder', 'Busy')
    channels[0]!.ended()
    expect(channels[9]!.begin()).toBe(true)
  })

  it('leaves a share to a caller that comes when all places are taken', () => {
    const quotas = createCallerQuotas({ limits })
    const crowd = [quotas.open('a', nothing), quotas.open('b', nothing)]
    for (const each of crowd) for (let i = 0; i < 3; i++) expect(each.begin()).toBe(true)
    const late = quotas.open('late', nothing)
    expect([late.begin(), late.begin(), late.begin()]).toEqual([true, true, false])
    expect(crowd[0]!.begin()).toBe(false)
  })

  it('ends the channels of one that holds too much, and nobody else’s', () => {
    const quotas = createCallerQuotas({ limits })
    const cuts = { slow: vi.fn(), honest: vi.fn() }
    const slow = [quotas.open('slow', cuts.slow), quotas.open('slow', cuts.slow)]
    const honest = quotas.open('honest', cuts.honest)
    honest.holds(40)
    slow[0]!.holds(60)
    expect(cuts.slow).not.toHaveBeenCalled()
    slow[1]!.holds(41)
    expect(cuts.slow).toHaveBeenCalledTimes(2)
    expect(cuts.honest).not.toHaveBeenCalled()
  })

  it('ends the one that holds most when all of them together hold too much', () => {
    const onRefused = vi.fn()
    const quotas = createCallerQuotas({ limits, onRefused })
    const channels = [60, 70, 10].map((bytes, i) => {
      const share = quotas.open(`caller ${i}`, () => share.close())
      share.holds(bytes)
      return share
    })
    channels[2]!.holds(30)
    expect(onRefused.mock.calls).toEqual([['caller 1', 'SlowReader']])
    // There is room again.
    channels[2]!.holds(80)
    expect(onRefused).toHaveBeenCalledOnce()
  })

  it('forgets a caller that has gone, when its last call has ended', () => {
    const quotas = createCallerQuotas({ limits })
    const gone = quotas.open('gone', nothing)
    for (let i = 0; i < 4; i++) gone.begin()
    gone.close()
    const back = quotas.open('gone', nothing)
    expect(back.begin()).toBe(false)
    for (let i = 0; i < 4; i++) gone.ended()
    expect(back.begin()).toBe(true)
  })
})
