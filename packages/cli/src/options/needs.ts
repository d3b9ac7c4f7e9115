import type { Needs } from '@instar/core'
import { InvalidArgumentError } from 'commander'

export const needsExample = 'disk=4GiB,memory=512MiB,node=24.1,platform=linux-x64+linux-arm64'

const unitBytes: Readonly<Record<string, number>> = { MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 }

/** What a machine must have, as {@link needsExample}. @throws InvalidArgumentError */
export function parseNeeds(text: string): Needs {
  const needs: { -readonly [Field in keyof Needs]: Needs[Field] } = {}
  for (const word of text.split(',')) {
    const [, name = '', value = ''] = /^([a-z]+)=(.+)$/.exec(word) ?? []
    if (name === 'disk') needs.diskBytes = parseSize(value)
    else if (name === 'memory') needs.memoryMiB = Math.ceil(parseSize(value) / 1024 ** 2)
    else if (name === 'node' && /^\d{1,5}(\.\d{1,5}){0,2}$/.test(value)) needs.node = `>=${value}`
    else if (name === 'platform' && /^[a-z0-9]+-[a-z0-9]+(\+[a-z0-9]+-[a-z0-9]+)*$/.test(value))
      needs.platforms = value.split('+')
    else throw new InvalidArgumentError(`What a machine needs looks like ${needsExample}.`)
  }
  return needs
}

function parseSize(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})(MiB|GiB|TiB)$/.exec(text) ?? []
  if (digits === undefined) throw new InvalidArgumentError('A size looks like 512MiB, 4GiB or 1TiB.')
  return Number(digits) * (unitBytes[unit] ?? 1)
}
