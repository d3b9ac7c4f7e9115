import { InvalidArgumentError } from 'commander'

/** A version of the network, with or without a `v`. @throws InvalidArgumentError */
export function parseVersion(text: string): number {
  const digits = text.replace(/^v/, '')
  if (!/^[1-9]\d{0,6}$/.test(digits)) throw new InvalidArgumentError('A version is a positive whole number.')
  return Number(digits)
}

/** A whole number from 0. @throws InvalidArgumentError */
export function parseCount(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 0.')
  return Number(text)
}

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
