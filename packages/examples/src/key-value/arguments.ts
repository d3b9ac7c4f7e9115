import type fc from 'fast-check'
import type { Value } from './contracts.js'

// Few of each: what goes wrong goes wrong where calls meet. For the checker only; no bundle takes it along.
type Fc = typeof fc

export const keys = ({ constantFrom }: Fc) => constantFrom('a', 'ab', 'b')
export const texts = ({ constantFrom }: Fc) => constantFrom('x', 'y')
export const values = ({ constantFrom }: Fc) => constantFrom<Value>('x', 'y', 1, true)
export const limits = ({ constantFrom }: Fc) => constantFrom(1, 2, 1000)
export const versions = ({ nat }: Fc) => nat(6)
export const contexts = (fc: Fc) => fc.subarray([0, 1, 2, 3, 4, 5])
export const lifetimes = ({ constantFrom }: Fc) => constantFrom({}, {}, { ttlMs: 1 }, { ttlMs: 1000 })
