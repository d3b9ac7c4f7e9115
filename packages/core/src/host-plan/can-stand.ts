import type { SimulationModel } from './host-plan.js'

/**
 * Whether a simulation object of this model can be kept true at the outer end of a chain (R7, §7): one that has to hear of every change
 * of its delegate stands only where somebody tells it. The object tells; a shadowed one and a twin pass on the equivalent calls; a direct
 * one hears nothing itself, and an interceptor serves two versions whose calls nobody translates. A twin tells its delegate in turn, which
 * has to be the object or a twin for that.
 *
 * @param inner the models between it and the object, nearest to the object first
 * @param across the models on the object's other side, nearest first
 */
export function canStand(
  model: SimulationModel,
  inner: readonly SimulationModel[],
  across: readonly SimulationModel[]
): boolean {
  switch (model) {
    case 'direct':
      return true
    case 'shadowed':
      return inner.every(each => each === 'shadowed' || each === 'twin') && !across.includes('interceptor')
    case 'twin':
      return inner.every(each => each === 'twin') && !across.includes('interceptor')
    case 'interceptor':
      // It replaces the object for everyone: two cannot, and a shadowed one behind it would miss the calls of its own version.
      return inner.length === 0 && across.every(each => each === 'direct')
  }
}
