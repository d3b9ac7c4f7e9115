import { expect, test } from 'vitest'
import { encodeDescriptor, parseDescriptor, upgradeWords, type ClassUpgrade } from '../src/index.js'
import { classUpgrade, descriptor, twinUpgrade, versions } from './descriptors.js'

const loses = 'the colours that version 2 gave'

function read(upgrade: ClassUpgrade): string {
  const parsed = parseDescriptor(encodeDescriptor(descriptor(versions(1), { classes: [upgrade] })))
  return parsed.verdict === 'accept' ? 'accept' : parsed.detail
}

test('takes a way back by code only with what it loses, and that only with such a way back (R22)', () => {
  expect(read(classUpgrade(2, { back: 'transform', loses }))).toBe('accept')
  expect(read(classUpgrade(2, { back: 'transform' }))).toContain('does not say what that loses')
  expect(read(classUpgrade(2, { back: 'copy', loses }))).toContain('does not go back by one')
  expect(read(classUpgrade(2, { back: 'transform', loses: '' }))).toContain('loses')
  expect(read(twinUpgrade(2, { back: 'transform', loses }))).toContain('it goes back exactly or not at all')
})

test('says to signers and planners what going back loses', () => {
  const words = (upgrade: ClassUpgrade): string => upgradeWords(upgrade, { old: 'version 1', new: 'version 2' }).back
  expect(words(classUpgrade(2, { back: 'transform', loses: `${loses}.` }))).toMatch(
    /LOST by it: the colours that version 2 gave$/
  )
  expect(words(classUpgrade(2, { back: 'copy' }))).toContain('LOST')
})
