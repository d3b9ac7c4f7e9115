const digits = /^[0-9a-f]{64}$/

/** The prime of the field: an encoding holds y below it, and one bit for the sign of x. */
const p = 2n ** 255n - 19n

/** The y of the points of order 1, 2, 4 and 8: signatures by such a "key" can be made by anyone, for any bytes. */
const order8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
const smallOrder = new Set([0n, 1n, p - 1n, order8, p - order8])

/**
 * Whether 64 digits are the one encoding of a key that only its owner can sign with. Whether the point is on the curve shows when it
 * is used.
 */
export function isStrongPoint(text: string): boolean {
  if (!digits.test(text)) return false
  const y = BigInt(`0x${Buffer.from(text, 'hex').reverse().toString('hex')}`) & (2n ** 255n - 1n)
  // y and y + p are one point: with both taken one key would have two ids.
  return y < p && !smallOrder.has(y)
}
