import { z } from 'zod'

const count = z.int().min(0)

/** How the trial of a version stands at this peer (§15). */
export const trialReportSchema = z.object({
  calls: count.meta({
    description: 'Answered by the object since the trial began, as far as its window reaches; refusals are no answers.'
  }),
  errors: count.meta({ description: 'Of these, what the object failed with by its own fault.' }),
  callers: count,
  failingCallers: count,
  worst: z
    .array(z.object({ caller: z.string(), calls: count, errors: count }))
    .meta({ description: 'The callers with the most errors.' }),
  answered: count.meta({ description: 'Calls that went well since the trial began.' }),
  answeredMin: count.meta({ description: 'So many of them a commit needs, unless it waits for its time instead.' }),
  before: z
    .object({ calls: count, callers: count, errorPercent: z.number() })
    .optional()
    .meta({ description: 'What was usual before the switch; absent where nothing was measured.' }),
  crashes: z.object({ byCallers: count, otherwise: count }).meta({
    description: 'Times that the object brought its host down: distinct callers that alone did it, and other times.'
  }),
  probes: z.object({ method: z.string(), answered: count, missedInARow: count }).optional(),
  stableLeftMs: z.number().meta({ description: 'Until it has been stable for its time.' }),
  timeoutLeftMs: z.number().optional().meta({ description: 'Until it counts as failed, unless it is committed.' }),
  idleLeftMs: z.number().optional().meta({ description: 'Until it is committed without enough calls.' }),
  remarks: z.array(z.string()).meta({ description: 'What is not judged, and why.' }),
  ill: z.string().optional().meta({ description: 'It was judged ill, and did not go back: its operator decides.' })
})
