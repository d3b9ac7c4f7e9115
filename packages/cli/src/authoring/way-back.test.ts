import type { ClassUpgrade, Descriptor } from '@instar/core'
import { describe, expect, it } from 'vitest'
import type { ClassChange } from './class-change.js'
import { askIfIrreversible, wayBackHint, wayBackOf } from './way-back.js'

type Change = Pick<ClassChange, 'fields' | 'reverse'>

const change = (transform: ClassUpgrade['transform'], loses?: string): Change => ({
  fields: { oldClass: 'old', newClass: 'new', compatible: false, transform, state: 'managed' },
  ...(loses !== undefined && { reverse: { loses } })
})

describe('the way back that a descriptor promises', () => {
  it.each([
    [change('mapping'), undefined, { back: 'exact' }],
    [change('mapping'), 'none', { back: 'none' }],
    [change('whole', 'colours'), undefined, { back: 'transform', loses: 'colours' }],
    [change('whole', 'colours'), 'copy', { back: 'copy' }],
    [change('entries'), 'copy', { back: 'copy' }],
    [change('none'), 'copy', { back: 'copy' }],
    [change('whole'), undefined, { back: 'none' }]
  ] as const)('%j, said %s, is %j', (of, said, back) => {
    expect(wayBackOf(of, said)).toEqual(back)
  })

  it.each([
    [change('mapping'), 'copy', /it is a twin/],
    [change('whole'), 'exact', /only a twin/],
    [change('whole'), 'transform', /has no reverse transform/]
  ] as const)('is none that the code cannot keep: %j, said %s', (of, said, sentence) => {
    expect(() => wayBackOf(of, said)).toThrow(sentence)
  })

  it('is pointed out where there is none and nobody said so', () => {
    expect(wayBackHint(change('whole'))).toMatch(/NO way back.*--back copy.*the old state stays/)
    expect(wayBackHint(change('none'))).toMatch(/callers wait while the state is copied/)
    expect(wayBackHint(change('mapping'))).toBeUndefined()
    expect(wayBackHint(change('whole', 'colours'))).toBeUndefined()
  })
})

describe('publishing what cannot go back', () => {
  const upgrade = (back: ClassUpgrade['back'], oldClass?: string): Descriptor =>
    ({
      version: 7,
      classes: [{ newClass: 'orders', back, ...(oldClass !== undefined && { oldClass }) }]
    }) as unknown as Descriptor

  const person = (...answers: string[]) => {
    const asked: string[] = []
    const ask = async (question: string): Promise<string> => {
      asked.push(question)
      return answers[asked.length - 1] ?? ''
    }
    return { asked, io: { canAsk: true, ask } }
  }
  const nobody = { canAsk: false, ask: () => Promise.reject(new Error('nobody is there')) }

  it.each([
    [['y', '7'], 2, undefined],
    [['n'], 1, /Nothing was published/],
    [['y', 'y'], 2, /Nothing was published/],
    [['', ''], 1, /Nothing was published/]
  ])('is asked about twice: %j', async (answers, times, refusal) => {
    const { asked, io } = person(...answers)
    const asking = askIfIrreversible(upgrade('none', 'old'), {}, io)
    if (refusal === undefined) await asking
    else await expect(asking).rejects.toThrow(refusal)
    expect(asked).toHaveLength(times)
    expect(asked[0]).toContain('Version 7 has no way back for orders')
  })

  it('is refused where nobody can be asked, unless it was said', async () => {
    await expect(askIfIrreversible(upgrade('none', 'old'), {}, nobody)).rejects.toThrow(/say --irreversible/)
    await askIfIrreversible(upgrade('none', 'old'), { irreversible: true }, nobody)
  })

  it.each(['exact', 'transform', 'copy'] as const)('is nothing where it goes back: %s', async back => {
    await askIfIrreversible(upgrade(back, 'old'), {}, nobody)
  })

  it('is nothing where a class is new', async () => {
    await askIfIrreversible(upgrade('none'), {}, nobody)
  })
})
