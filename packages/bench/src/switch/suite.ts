import { compare, type Measurement } from '../measurement/measurement.js'
import { median } from '../measurement/statistics.js'
import type { Suite } from '../suite.js'
import { startStorePeer, switchUnits, type Shape, type SwitchSample } from './store-peer.js'

const runsDefault = 3
const megabyte = 1024 * 1024
const sizes = {
  full: [megabyte, 100 * megabyte, 1024 * megabyte],
  quick: [megabyte, 16 * megabyte]
}
const paces = { full: [500, 5000, Infinity], quick: [500] }
const shapes: readonly Shape[] = ['whole', 'entries', 'twin']
const events = ['nothing', 'introduction', 'building', 'upgrade', 'going back'] as const
type Samples = Readonly<Record<(typeof events)[number], Map<Shape, SwitchSample[]>>>

/** What callers notice of an upgrade, by the size of the state and how it is made: one peer, one caller process. */
export const switchSuite: Suite = {
  name: 'switch',
  summary: 'what callers notice of an introduction and an upgrade, by size of the state and shape of its transform',
  async run({ runs, quick, only, signal, report, progress }) {
    const rounds = runs ?? (quick ? 1 : runsDefault)
    for (const bytes of quick ? sizes.quick : sizes.full) {
      for (const pace of quick ? paces.quick : paces.full) {
        const place = `${bytes / megabyte} MB, ${pace === Infinity ? 'flat out' : `${pace} calls/s`}`
        const wanted = shapes.filter(shape => only?.test(`${place}: ${shape}`) ?? true)
        if (wanted.length === 0) continue
        const samples: Samples = {
          nothing: new Map(),
          introduction: new Map(),
          building: new Map(),
          upgrade: new Map(),
          'going back': new Map()
        }
        const restarts: number[] = []
        for (let round = 0; round < rounds; round++) {
          for (const shape of round % 2 === 0 ? wanted : wanted.toReversed()) {
            progress(`${place}: ${shape}, run ${round + 1} of ${rounds}`)
            const peer = await startStorePeer({ bytes, pace, signal })
            try {
              add(samples.nothing, shape, await peer.rest())
              const introduction = await peer.introduce(shape)
              const upgrade = await peer.upgrade()
              add(samples.introduction, shape, introduction.whole)
              add(samples.upgrade, shape, upgrade.whole)
              for (const { building } of [introduction, upgrade])
                if (building !== undefined) add(samples.building, shape, building)
              add(samples['going back'], shape, await peer.goBack())
              restarts.push(await peer.restart())
            } finally {
              await peer.stop()
            }
          }
        }
        for (const figure of figures(place, samples)) report(figure)
        report(restartOf(place, restarts))
      }
    }
  }
}

function add(samples: Map<Shape, SwitchSample[]>, shape: Shape, sample: SwitchSample): void {
  samples.set(shape, [...(samples.get(shape) ?? []), sample])
}

/** Each event beside the same one with a transform in the pause. */
function figures(place: string, samples: Samples): readonly Measurement[] {
  return events.flatMap(event =>
    compare({
      suite: 'switch',
      samples: samples[event],
      units: switchUnits,
      baselines: ['whole'],
      caseOf: shape => `${place}, ${event}: ${shape}`
    })
  )
}

function restartOf(place: string, values: readonly number[]): Measurement {
  const value = Math.round(median(values))
  return {
    suite: 'switch',
    case: `${place}: stop, then start`,
    metric: 'pause',
    unit: 'ms',
    value,
    baseline: null,
    ratio: null
  }
}
