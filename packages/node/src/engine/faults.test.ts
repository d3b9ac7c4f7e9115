import { expect, test } from 'vitest'
import { parseFaults } from './faults.js'

function deathsOf(text: string): string[] {
  const deaths: string[] = []
  let at = ''
  const faults = parseFaults(text, who => deaths.push(who === 'peer' ? at : `${at}, ${who}`))
  const phases = ['preparing', 'transforming'] as const
  for (const version of [2, 3]) {
    for (const phase of phases) {
      const persist = { effect: 'persist', entries: [{ type: 'phase', version, chainId: '', phase }] } as const
      at = `before ${phase}@${version}`
      faults?.before(persist)
      at = `after ${phase}@${version}`
      faults?.after(persist)
    }
  }
  return deaths
}

test('dies before or after a phase, of one version or of all', () => {
  expect(deathsOf('')).toEqual([])
  expect(deathsOf('kill:after:transforming')).toEqual(['after transforming@2', 'after transforming@3'])
  expect(deathsOf('kill:before:preparing@3,kill:after:transforming@2')).toEqual([
    'after transforming@2',
    'before preparing@3'
  ])
  expect(deathsOf('kill-all:after:transforming@2')).toEqual(['after transforming@2, all'])
  expect(deathsOf('kill-hosts:before:preparing'), 'once: the peer lives on').toEqual(['before preparing@2, hosts'])
})

test('takes a word for the host beside those for the peer', () => {
  const faults = parseFaults('kill:after:running,kill-host:after:command:12')
  expect(faults?.hostDiesAfterCommand).toBe(12)
  expect(parseFaults('kill:after:running')?.hostDiesAfterCommand).toBeUndefined()
})

test.each(['kill', 'kill:during:running', 'kill:after:', 'kill-host:after:command:0', 'kill-host:after:commit:1'])(
  'refuses %s',
  text => {
    expect(() => parseFaults(text)).toThrow(`INSTAR_FAULTS holds "${text}"`)
  }
)
