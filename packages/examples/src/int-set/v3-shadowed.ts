import { callsOf, defineUpgrade, type ObjectOf, type Shadowed, type SimulationContext } from '@instar/simulator-runtime'
import { colorSet, countingColorSet, type Colour } from './contracts.js'
import direct from './v3.js'

/** Nothing to remember, but what is told has to be passed on: version 1 stands on version 2 on this peer, and counts. */
class Forwarding implements ObjectOf<typeof colorSet> {
  constructor(private readonly ctx: SimulationContext<typeof colorSet>) {}

  insertColor(x: number, color: Colour): Promise<void> {
    return this.ctx.delegate.insertColor(x, color)
  }

  delete(x: number): Promise<void> {
    return this.ctx.delegate.delete(x)
  }

  getColor(x: number): Promise<Colour> {
    return this.ctx.delegate.getColor(x)
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }
}

class PastColorSet extends Forwarding {
  $insertColor({ args }: Shadowed<typeof countingColorSet, 'insertColor'>) {
    return [callsOf(colorSet).insertColor(...args)]
  }

  $delete({ args }: Shadowed<typeof countingColorSet, 'delete'>) {
    return [callsOf(colorSet).delete(...args)]
  }
}

class FutureCountingColorSet extends Forwarding {
  $insertColor({ args }: Shadowed<typeof colorSet, 'insertColor'>) {
    return [callsOf(countingColorSet).insertColor(...args)]
  }

  $delete({ args }: Shadowed<typeof colorSet, 'delete'>) {
    return [callsOf(countingColorSet).delete(...args)]
  }
}

export default defineUpgrade({
  from: colorSet,
  to: direct.to,
  future: {
    model: 'shadowed',
    implementation: FutureCountingColorSet,
    disallow: { countByColor: 'a colour set cannot list its elements: counting starts when this peer is upgraded' }
  },
  past: { model: 'shadowed', implementation: PastColorSet },
  transform: direct.transform as NonNullable<typeof direct.transform>
})
