import { expect, it } from 'vitest'
import { classUpgrade, descriptor, twinUpgrade, versions } from './descriptors.js'
import { Simulation } from './simulation.js'

function world(lines: string[], over: Partial<ConstructorParameters<typeof Simulation>[0]> = {}): Simulation {
  return new Simulation({ peers: 1, seed: 1, trace: line => lines.push(line), ...over })
}

it('takes one upgrade from trusted to retired, and says each step', async () => {
  const lines: string[] = []
  const simulation = world(lines)
  const [peer] = simulation.peers
  const log = versions(2)
  peer?.boot()
  simulation.publish(log[0]!.descriptor)
  simulation.run(() => peer!.isSettledAt(1))
  lines.push('---- version 2 is published')
  simulation.publish(log[1]!.descriptor)
  simulation.run(() => peer!.isSettledAt(2))
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('transcripts/one-upgrade.txt')
})

it('installs two pending versions in order, one future simulation object at a time (R4)', async () => {
  const lines: string[] = []
  const simulation = world(lines)
  const [peer] = simulation.peers
  peer?.boot()
  for (const { descriptor } of versions(3)) simulation.publish(descriptor)
  simulation.run(() => peer!.isSettledAt(3))
  await expect(
    `${lines.filter(line => line.includes('switchHost (') || line.includes('persist')).join('\n')}\n`
  ).toMatchFileSnapshot('transcripts/two-pending.txt')
})

it('builds a twin beside the object, makes it the object in the same host, and commits it there (§8)', async () => {
  const lines: string[] = []
  const simulation = world(lines)
  const [peer] = simulation.peers
  const log = versions(2, version => ({ classes: [twinUpgrade(version)] }))
  peer?.boot()
  simulation.publish(log[0]!.descriptor)
  simulation.run(() => peer!.isSettledAt(1))
  lines.push('---- version 2 is published')
  simulation.publish(log[1]!.descriptor)
  simulation.run(() => peer!.isSettledAt(2))
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('transcripts/one-twin.txt')
})

it('goes back from a trial that is halted, and tries again after the resume (§4)', async () => {
  const lines: string[] = []
  const simulation = world(lines)
  const [peer] = simulation.peers
  const log = versions(2, version => ({ classes: [classUpgrade(version, version === 1 ? {} : { back: 'copy' })] }))
  peer?.boot()
  for (const { descriptor } of log) simulation.publish(descriptor)
  simulation.run(() => peer!.state.versions.get(2)?.phase === 'trial')
  lines.length = 0
  peer?.trust({ fact: 'halt', version: 2, unload: false, reason: 'it loses orders' })
  simulation.run(() => peer!.state.versions.get(2)?.phase === 'wentBack' && peer!.state.host.switching === undefined)
  peer?.trust({ fact: 'resume', version: 2, order: '2026-02-01T00:00:00.000Z' })
  simulation.run(() => peer!.isSettledAt(2))
  await expect(`${withoutStages(lines)}\n`).toMatchFileSnapshot('transcripts/halt-and-resume.txt')
})

it('stops at a fork, leaves the version that the root decides against, and takes the one that it keeps (R20, §6)', async () => {
  const lines: string[] = []
  const simulation = world(lines)
  const [peer] = simulation.peers
  const log = versions(2, version => ({ classes: [classUpgrade(version, version === 1 ? {} : { back: 'copy' })] }))
  const bundle = 'b'.repeat(64)
  const kept = descriptor(log.slice(0, 1), { title: 'the other one', classes: [classUpgrade(2, { bundle })] })
  peer?.boot()
  for (const { descriptor } of log) simulation.publish(descriptor)
  simulation.run(() => peer!.state.versions.get(2)?.phase === 'trial')
  lines.length = 0
  peer?.trust({ fact: 'forked', version: 2 })
  peer?.decide(2, [kept])
  simulation.run(() => peer!.isSettledAt(2))
  await expect(`${withoutStages(lines)}\n`).toMatchFileSnapshot('transcripts/fork-and-decision.txt')
})

function withoutStages(lines: readonly string[]): string {
  return lines.filter(line => !line.includes('< switch ') && !line.includes('< tick')).join('\n')
}

it('goes back from a twin by the same way, and leaves it', () => {
  const simulation = world([])
  const [peer] = simulation.peers
  const log = versions(2, version => ({ classes: [twinUpgrade(version)] }))
  peer?.boot()
  for (const { descriptor } of log) simulation.publish(descriptor)
  simulation.run(() => peer!.state.versions.get(2)?.phase === 'trial')
  peer?.input({ fact: 'operator', word: 'goBack', version: 2 })
  const plans: string[] = []
  const { host } = peer!.state
  plans.push(`${host.switching?.purpose} ${host.switching?.plan.goBack}`)
  simulation.run(() => peer!.state.versions.get(2)?.phase === 'wentBack' && host.switching === undefined)
  expect(plans).toEqual(['goBack exact'])
  expect(peer!.disk.meta?.current).toBe(1)
  expect(host.plan?.future).toEqual([])
})

it('serves a version as long as no later one has changed its class', () => {
  const simulation = world([])
  const [peer] = simulation.peers
  const otherClass = { ...classUpgrade(2, { newClass: 'Other', transform: 'none' }), oldClass: undefined }
  const log = versions(3, version =>
    version === 2
      ? { classes: [otherClass] }
      : version === 3
        ? { classes: [classUpgrade(3, { oldClass: 'Counter1' })] }
        : {}
  )
  peer?.boot()
  simulation.publish(log[0]!.descriptor)
  simulation.publish(log[1]!.descriptor)
  simulation.run(() => peer!.state.running === 2)
  let hourIsOver = false
  simulation.later(peer!, 3_600_000, () => (hourIsOver = true))
  simulation.run(() => hourIsOver, 4_000_000)
  expect(peer!.served()).toEqual([1, 2])
  simulation.publish(log[2]!.descriptor)
  simulation.run(() => peer!.isSettledAt(3))
  expect(peer!.served()).toEqual([3, 3])
})
