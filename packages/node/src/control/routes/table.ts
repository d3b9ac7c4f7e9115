import type { Route } from '../route.js'
import { observeRoutes } from './observe.js'
import { operateRoutes } from './operate.js'
import { publishRoutes } from './publish.js'

/** Every operation that answers with one JSON object; beside them stand `/v1/events` and `/openapi.json`. */
export const routes: readonly Route[] = [...observeRoutes, ...operateRoutes, ...publishRoutes]
