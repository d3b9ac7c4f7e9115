import type { RawKeys, RoleChange } from '../kinds/role-change.js'
import { plural, short } from './text.js'

/** Who comes and goes in one role: with whole ids, because they are what a signer compares with what people say. */
export function roleWords(role: string, before: RawKeys, after: RawKeys): readonly string[] {
  const comes = after.keyIds.filter(each => !before.keyIds.includes(each))
  const goes = before.keyIds.filter(each => !after.keyIds.includes(each))
  const from = before.keyIds.length === 0 ? 'nobody' : thresholdWords(before)
  return [
    `${role}: ${from} → ${thresholdWords(after)}`,
    ...goes.map(each => `  goes: ${each}`),
    ...comes.map(each => `  comes: ${each}`)
  ]
}

/** A role that stays as it is needs no line of its own, unless somebody asked for nothing but that. */
export function isChanged({ add, remove, threshold }: RoleChange): boolean {
  return add.length > 0 || remove.length > 0 || threshold !== undefined
}

function thresholdWords({ keyIds, threshold }: RawKeys): string {
  return `${threshold} of ${plural(keyIds.length, 'key')} (${keyIds.map(short).join(', ')})`
}
