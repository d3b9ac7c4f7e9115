import { z } from 'zod'
import { policyFieldSchema, policyOverridesSchema } from '../../policy/policy-schema.js'
import { jsonSchema } from './requests.js'

export const policyChangeSchema = z.strictObject({
  set: policyOverridesSchema
    .optional()
    .meta({ description: 'Wins over the configuration file, rule by rule, until it is unset; `null` is none.' }),
  unset: z.array(policyFieldSchema).max(16).optional()
})

export const policySchema = z.object({
  rules: z.array(
    z.object({
      rule: policyFieldSchema,
      value: jsonSchema.optional().meta({ description: 'As in the `policy` of `config.json`; absent: none.' }),
      from: z.enum(['default', 'file', 'operator']).meta({ description: '`operator`: said at run time.' })
    })
  )
})

export type PolicyChange = z.output<typeof policyChangeSchema>
