import { expect, test } from 'vitest'
import type { Greeted } from '../hello/greet.js'
import { createChannelPool } from './channel-pool.js'

/** A channel as far as the pool looks at it. */
function greeted(): Greeted & { readonly aborted: () => boolean } {
  let aborted = false
  const channel = {
    open: true,
    closed: new Promise(() => undefined),
    abort: () => {
      aborted = true
    },
    close: async () => undefined
  }
  return { channel, aborted: () => aborted } as unknown as Greeted & { readonly aborted: () => boolean }
}

test('a dial that never ends is given up, and the next call dials anew', async () => {
  let dials = 0
  const live = greeted()
  const pool = createChannelPool({
    open: () => (++dials === 1 ? new Promise(() => undefined) : Promise.resolve(live)),
    openTimeoutMs: 20
  })
  const both = await Promise.allSettled([pool.get('peer'), pool.get('peer')])
  expect(both).toMatchObject([
    { status: 'rejected', reason: { code: 'Unreachable', detail: { executed: 'no' } } },
    { status: 'rejected', reason: { code: 'Unreachable' } }
  ])
  expect(await pool.get('peer')).toBe(live)
  expect(dials).toBe(2)
})

test('what was dialled too late is closed', async () => {
  const late = greeted()
  const { promise, resolve } = Promise.withResolvers<Greeted>()
  const pool = createChannelPool({ open: () => promise, openTimeoutMs: 20 })
  await expect(pool.get('peer')).rejects.toMatchObject({ code: 'Unreachable' })
  resolve(late)
  await expect.poll(() => late.aborted()).toBe(true)
  expect(pool.peek('peer')).toBeUndefined()
})

test('closing the pool ends the dials that are under way', async () => {
  const pool = createChannelPool({ open: () => new Promise(() => undefined) })
  const waiting = pool.get('peer')
  await pool.close()
  await expect(waiting).rejects.toMatchObject({
    code: 'Unreachable',
    message: expect.stringContaining('stopping') as string
  })
})
