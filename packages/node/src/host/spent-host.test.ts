import { InstarError } from '@instar/core'
import { expect, test, vi } from 'vitest'
import { createSpentHost } from './spent-host.js'

const full = new InstarError('DiskFull', 'The disk is full.')
const damaged = new InstarError('StateDamaged', 'The state cannot be written.')

function watched() {
  vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const world = { error: full as InstarError | undefined, room: false, told: [] as number[] }
  const spent = createSpentHost({
    directory: '/nowhere',
    broken: () => world.error,
    onRoom: () => world.told.push(performance.now()),
    now: () => performance.now(),
    hasRoom: async () => world.room
  })
  return { world, spent, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) }
}

test('a host that met a full disk is replaced when there is room again, and only then', async () => {
  const { world, spent, pass } = watched()
  spent.broke()
  await pass(60_000)
  expect(world.told).toEqual([])
  world.room = true
  await pass(2000)
  expect(world.told).toHaveLength(1)
  world.error = undefined
  await pass(600_000)
  expect(world.told).toHaveLength(1)
  spent.stop()
  vi.useRealTimers()
})

test('a disk that refuses in spite of its room is tried less and less often', async () => {
  const { world, spent, pass } = watched()
  world.room = true
  spent.broke()
  await pass(300_000)
  const pauses = world.told.slice(1).map((at, i) => at - world.told[i]!)
  expect(pauses.slice(0, 4)).toEqual([4000, 8000, 16_000, 32_000])
  expect(Math.max(...pauses)).toBe(60_000)
  spent.stop()
  await pass(300_000)
  expect(world.told).toHaveLength(pauses.length + 1)
  vi.useRealTimers()
})

test('one that met a limit of open files is replaced too', async () => {
  const { world, spent, pass } = watched()
  world.error = new InstarError('ProcessNotStarted', 'No room for more open files.')
  spent.broke()
  await pass(2000)
  expect(world.told).toHaveLength(1)
  spent.stop()
  vi.useRealTimers()
})

test('what is no matter of room is left to a person', async () => {
  const { world, spent, pass } = watched()
  Object.assign(world, { room: true, error: damaged })
  spent.broke()
  await pass(60_000)
  expect(world.told).toEqual([])
  spent.stop()
  vi.useRealTimers()
})
