import {
  appendVersion,
  createPeerState,
  defaultPolicy,
  defaultTiming,
  type Descriptor,
  type VersionLog
} from '@instar/core'
import { expect, test } from 'vitest'
import { stopProblems } from './stops-shown.js'

const network = '0'.repeat(64)

/** A history of one class, whose versions supersede these. */
function historyOf(...superseded: ReadonlyArray<readonly number[]>): VersionLog {
  return superseded.reduce<VersionLog>((log, supersedes, i) => {
    const version = i + 1
    const classes = [version - 1, ...supersedes.map(each => each - 1)].map(from => ({
      ...(version === 1 ? {} : { oldClass: 'Counter' }),
      ...(from === version - 1 ? {} : { from }),
      newClass: 'Counter'
    }))
    const previous = log.at(-1)?.chainId ?? network
    return appendVersion(log, { network, version, previous, supersedes, classes } as unknown as Descriptor)
  }, [])
}

test.each<[string, ReadonlyArray<readonly number[]>, string[]]>([
  ['leads everybody on', [[], [], [2], [3, 2]], []],
  [
    'leaves peers without a way',
    [[], [], [2], [3]],
    [
      'Version 4 does not lead everybody on: version 3 supersedes version 2, so version 4 has to supersede it too: those below know no other way. Its authors have to publish another one that supersedes it.'
    ]
  ]
])('a repair that %s', (_, superseded, problems) => {
  const state = createPeerState({
    peer: 'one',
    className: 'Counter',
    groups: [],
    instar: '0.0.0',
    alone: true,
    timing: defaultTiming,
    policy: defaultPolicy,
    archive: false
  })
  state.log = historyOf(...superseded)
  expect(stopProblems(state, { forks: [], forkSides: [], halts: [], decisions: [] })).toEqual(problems)
})
