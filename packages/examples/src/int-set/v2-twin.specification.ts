import { defineSpecification } from '@instar/simulator-runtime/check'
import upgrade from './v2-twin.js'
import { init } from './v2.specification.js'

/** Also of the shadowed and of the interceptor model: nothing may be refused. */
export default defineSpecification(upgrade, init)
