import { defineSpecification } from '@instar/simulator-runtime/check'
import { coloursView } from './v2.specification.js'
import upgrade from './v3-twin.js'
import { init } from './v3.specification.js'

export default defineSpecification(upgrade, { ...init, views: { old: coloursView, new: coloursView } })
