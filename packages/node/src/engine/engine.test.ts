import { defaultPolicy, defaultTiming, InstarError } from '@instar/core'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createEngine } from './engine.js'

test('whoever waits for an answer is told that the journal cannot be written; what was said is written when it can', async () => {
  const written: string[] = []
  let full = true
  const engine = createEngine({
    config: {
      peer: 'one',
      className: undefined,
      groups: [],
      instar: '0.0.0',
      alone: true,
      timing: defaultTiming,
      policy: defaultPolicy,
      archive: false
    },
    journal: {
      bytes: 0,
      async append(records) {
        if (full) throw new InstarError('DiskFull', 'The disk is full.')
        written.push(...records.map(each => each.type))
      },
      compact: async () => undefined
    },
    perform: () => undefined,
    onChange: () => undefined,
    wallMs: () => 0,
    monoMs: () => 0,
    log: pino({ enabled: false }),
    journalRetryMs: 1
  })
  engine.input({ fact: 'start', epoch: 1, entries: [], found: undefined, bundles: [] })
  engine.input({ fact: 'policy', set: { hold: true }, unset: [] })
  await expect(engine.kept()).rejects.toMatchObject({
    code: 'DiskFull',
    message: expect.stringMatching(/^This was heard, and a restart would forget it: .* The disk is full\.$/) as string
  })
  expect(engine.problem()).toMatch(/^the journal cannot be written/)
  full = false
  await engine.settled()
  expect(written).toEqual(['policy'])
  expect(engine.problem()).toBeUndefined()
  await expect(engine.kept()).resolves.toBeUndefined()
  await engine.stop()
})
