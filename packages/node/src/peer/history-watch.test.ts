import type { VersionLog } from '@instar/core'
import { expect, it } from 'vitest'
import { createHistoryWatch } from './history-watch.js'

const log = [{ chainId: 'a'.repeat(64) }, { chainId: 'b'.repeat(64) }] as unknown as VersionLog
const ref = (version: number, digit: string) => ({ version, chainId: digit.repeat(16) })

it('pulls from a peer that means another version, and not again and again', () => {
  const pulled: string[] = []
  let time = 0
  const watch = createHistoryWatch({ log: () => log, pullFrom: peer => pulled.push(peer), now: () => time })
  watch.told('same', [ref(1, 'a'), ref(2, 'b')])
  watch.told('newer', [ref(2, 'b'), ref(3, 'c')])
  watch.told('other', [ref(1, 'a'), ref(2, 'f')])
  watch.told('other', [ref(2, 'f')])
  watch.refused('other')
  watch.refused('caller')
  expect(pulled).toEqual(['other', 'caller'])
  time = 10_000
  watch.told('other', [ref(2, 'f')])
  expect(pulled).toEqual(['other', 'caller', 'other'])
})
