import { defaultPolicy, weekdays, type LocalPolicy, type PolicyOverrides } from '@instar/core'
import { z } from 'zod'

const timeOfDay = /^([01]\d|2[0-3]):[0-5]\d$/

const windowSchema = z.strictObject({
  days: z
    .array(z.enum(weekdays, { error: `a day is one of ${weekdays.join(', ')}` }))
    .min(1, 'a window needs a day on which it begins')
    .meta({ description: 'On which it begins.' }),
  from: z.string().regex(timeOfDay, 'a time of the day looks like 22:00'),
  to: z
    .string()
    .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'a time of the day looks like 06:00, at most 24:00')
    .meta({ description: 'Not after `from`: the window lasts into the next day.' }),
  zone: z
    .string()
    .refine(isTimeZone, {
      error: ({ input }) => `there is no time zone ${JSON.stringify(input)}; one is Europe/Berlin, another UTC`
    })
    .meta({ description: 'A name of the IANA time zone database, or UTC.' })
})

const fields = {
  hold: z.boolean().meta({ description: 'No version is upgraded to.' }),
  approve: z.boolean().meta({ description: 'Every version has the approval that a schedule may wait for.' }),
  goNow: z.boolean().meta({ description: 'No version waits for its schedule.' }),
  highestVersion: z.int().min(1).meta({ description: 'No version above it is upgraded to.' }),
  windows: z
    .array(windowSchema)
    .min(1, 'a list of windows needs one; without the field an upgrade may begin at any time')
    .max(32)
    .meta({ description: 'Upgrades begin only while one is open.' }),
  oldStates: z
    .strictObject({ keepMs: z.int().min(0), bytesMax: z.int().min(0) })
    .meta({ description: 'How long, and up to how many bytes, states of before an upgrade are kept.' }),
  parkAfterCrashes: z
    .int()
    .min(3, 'fewer than 3 crashes in a row are no loop')
    .max(1000)
    .meta({ description: 'So many crashes in a row of a committed version leave its host down.' })
}

/** The `policy` of `config.json`. */
export const policyFileSchema = z.strictObject(fields).partial()

/** What is said at run time: `null` is an explicit none. */
export const policyOverridesSchema = z
  .strictObject({
    hold: fields.hold.nullable(),
    approve: fields.approve.nullable(),
    goNow: fields.goNow.nullable(),
    highestVersion: fields.highestVersion.nullable(),
    windows: fields.windows.nullable(),
    oldStates: fields.oldStates.nullable(),
    parkAfterCrashes: fields.parkAfterCrashes.nullable()
  })
  .partial()

/** The names of what can be set. */
export const policyFieldSchema = z.enum(Object.keys(fields) as Array<keyof typeof fields>)

/** The policy that a configuration file names; what it leaves out is the default. */
export function filePolicy(file: z.output<typeof policyFileSchema>): LocalPolicy {
  return Object.freeze({ ...defaultPolicy, ...definedOnly(file) })
}

/** As the core takes it. */
export function toOverrides(set: z.output<typeof policyOverridesSchema>): PolicyOverrides {
  return definedOnly(set)
}

function definedOnly(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name })
    return true
  } catch {
    return false
  }
}
