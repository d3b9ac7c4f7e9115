import { describe, expect, it } from 'vitest'
import { checkUpgrade, describeReport } from '../src/check/index.js'

const module = (name: string): URL => new URL(`./modules/${name}`, import.meta.url)
const specifications = [module('tags.specification.mjs')]

describe('a check of modules', () => {
  it('is shared by workers, and tells of its progress', { timeout: 60_000 }, async () => {
    const told: number[] = []
    const report = await checkUpgrade({
      versions: [module('names.mjs'), module('tags.mjs')],
      specifications,
      seed: 1,
      workers: 2,
      budget: { histories: 20 },
      onProgress: ({ histories }) => told.push(histories)
    })
    expect(report).toMatchObject({ passed: true, histories: 20, unspecified: [] })
    expect(told).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })

  it('finds a transform that loses the state of a simulation object', { timeout: 60_000 }, async () => {
    const report = await checkUpgrade({
      versions: [module('names.mjs'), module('tags-forgotten.mjs')],
      specifications,
      seed: 1,
      workers: 1
    })
    expect(report.failure).toMatchObject({
      kind: 'identity',
      expected: expect.stringMatching(/^[12]$/) as string,
      actual: '0'
    })
    expect(report.failure?.transcript).toContain('upgrade to 2')
  })

  it('finds it without a specification too: no event may change an answer (R10)', { timeout: 60_000 }, async () => {
    const versions = [module('names.mjs'), module('tags-forgotten.mjs')]
    const { failure } = await checkUpgrade({ versions, seed: 1, workers: 1 })
    expect(failure).toMatchObject({ kind: 'identity', actual: '0' })
    expect(failure?.text).toContain('is answered otherwise after upgrade')
  })

  it('finds what is kept in a variable, because a new process does not have it', { timeout: 60_000 }, async () => {
    const report = await checkUpgrade({
      versions: [module('names.mjs'), module('tags-remembered.mjs')],
      specifications,
      seed: 1,
      workers: 2
    })
    expect(report.failure?.transcript, describeReport(report)).toMatch(/restart|crash/)
  })

  it('stops when it is told to', { timeout: 60_000 }, async () => {
    const stopped = new AbortController()
    const checking = checkUpgrade({
      versions: [module('names.mjs'), module('tags.mjs')],
      specifications,
      workers: 1,
      onProgress: () => stopped.abort(new Error('enough')),
      signal: stopped.signal
    })
    await expect(checking).rejects.toThrow('enough')
  })

  it('says which module is none', async () => {
    const versions = [module('tags.mjs'), module('names.mjs')]
    await expect(checkUpgrade({ versions, workers: 1 })).rejects.toThrow('Version 1 is a class (defineClass)')
  })
})
