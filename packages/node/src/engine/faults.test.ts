import { expect, test } from 'vitest'
import { parseFaults } from './faults.js'

function deathsOf(text: string): string[] {
  const deaths: string[] = []
  let at = ''
  const kill = (who: string): boolean => deaths.push(who === 'peer' ? at : `${at}, ${who}`) > 0
  const faults = parseFaults(text, { kill, tell: () => undefined })
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

test('dies at a stage of a switch, and takes the hosts only where there are any', () => {
  const deaths: string[] = []
  let hosts = 0
  const kill = (who: string): boolean => who !== 'hosts' || (hosts > 0 && deaths.push(who) > 0)
  const faults = parseFaults('kill-hosts:before:stage-transforming', { kill, tell: () => undefined })!
  const hear = (stage: 'holding' | 'transforming') => faults.hears({ fact: 'switchStage', id: 1, stage })
  hear('transforming')
  hosts = 1
  hear('holding')
  expect(deaths).toEqual([])
  expect(hear('transforming'), 'it hears of it all the same').toHaveLength(1)
  hear('transforming')
  expect(deaths, 'once').toEqual(['hosts'])
})

test('holds the peer in a phase until something becomes trusted, which comes first', () => {
  const told: string[] = []
  const faults = parseFaults('hold:draining@2', { kill: () => false, tell: line => told.push(line) })!
  const halt = { fact: 'halt', version: 2, unload: false, reason: '' } as const
  const tick = { fact: 'tick' } as const
  const synced = { fact: 'synced' } as const
  faults.stands(() => 'preparing')
  expect(faults.hears(tick)).toEqual([tick])
  faults.stands(version => (version === 2 ? 'draining' : undefined))
  expect([tick, synced].map(fact => faults.hears(fact))).toEqual([[], []])
  expect(faults.hears(halt)).toEqual([halt, tick, synced])
  faults.stands(() => 'draining')
  expect(faults.hears(tick), 'once').toEqual([tick])
  expect(told).toEqual(['hold:draining@2 strikes'])
})

test('takes a word for the host beside those for the peer', () => {
  const faults = parseFaults('kill:after:running,kill-host:after:command:12')
  expect(faults?.hostDiesAfterCommand).toBe(12)
  expect(parseFaults('kill:after:running')?.hostDiesAfterCommand).toBeUndefined()
})

test.each([
  'kill',
  'kill:during:running',
  'kill:after:',
  'kill-host:after:command:0',
  'kill-host:after:commit:1',
  'kill:after:stage-closed',
  'hold:draining'
])('refuses %s', text => {
  expect(() => parseFaults(text)).toThrow(`INSTAR_FAULTS holds "${text}"`)
})
