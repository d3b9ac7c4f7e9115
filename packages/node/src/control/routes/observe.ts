import { z } from 'zod'
import { defineRoute, type Route } from '../route.js'
import { contractQuerySchema } from '../schema/requests.js'

/** Looking, without changing anything. */
export const observeRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/status',
    name: 'status',
    summary: 'Everything about this peer and what it knows of the others, as it is now.',
    answer: 'PeerStatus',
    handle: control => control.status()
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/why',
    name: 'why',
    summary: 'Why a peer is where it is: which gate is closed, by which rule, and for whom it waits.',
    query: z.object({ peer: z.string().min(1).optional().meta({ description: 'A peer id; absent: this peer.' }) }),
    answer: 'Why',
    handle: (control, { query }) => control.why(query.peer)
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/contract',
    name: 'contract',
    summary: 'The contract of a version as a peer serves it: its methods, and which of them it disallows and why.',
    query: contractQuerySchema,
    answer: 'Contract',
    handle: async (control, { query, signal }) => {
      const { methods, ...contract } = await control.contract(query, signal)
      return { ...contract, methods: methods.map(method => ({ ...method })) }
    }
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/ticket',
    name: 'ticket',
    summary: 'One string with which another peer can join the network.',
    answer: 'Ticket',
    handle: control => ({ ticket: control.ticket() })
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/log',
    name: 'log',
    summary: "The last lines of the peer's log, oldest first.",
    query: z.object({ lines: z.coerce.number().int().min(1).max(10_000).default(100) }),
    answer: 'Log',
    handle: async (control, { query }) => ({ lines: [...(await control.log(query.lines))] })
  })
]
