// The three ways in which a service meets a new version (full stop, rolling, a new peer), over all consecutive versions of all examples:
// every acknowledged call is there once, and every answer is the model's (R5, R7, R10, R14, R22).

import { afterEach, describe, expect, test } from 'vitest'
import { runsEverything } from './fixtures/selection.js'
import { begin, fullStop, joins, rolling, type Stage } from './fixtures/stories/scenarios.js'
import { stories, storyOf } from './fixtures/stories/stories.js'

let stage: Stage
afterEach(() => stage.network.stop())

const scenarios = [
  ['full stop', fullStop],
  ['rolling', rolling],
  ['a new peer joins', joins]
] as const
const selected = [['a new peer joins', joins, storyOf('files as a twin')]] as const
const all = scenarios.flatMap(([name, play]) => stories.map(story => [name, play, story] as const))

describe.each(runsEverything ? all : selected)('%s', { timeout: 900_000 }, (_, play, story) => {
  test(`${story.name}, from version 1 to ${story.modules.length}`, async () => {
    stage = await begin(story)
    const acknowledged = await play(story, stage)
    expect(acknowledged).toBeGreaterThan(story.modules.length)
  })
})
