import type { StandardSchemaV1 } from '@standard-schema/spec'

/** Runs a validator; the value itself where it answers at once, so that a call through many façades waits for nothing. */
export function validate<T>(
  schema: StandardSchemaV1['~standard'],
  value: unknown,
  flawed: (flaw: string) => Error
): T | Promise<T> {
  const checked = schema.validate(value)
  if (checked instanceof Promise) return checked.then(result => unwrap<T>(result, flawed))
  return unwrap<T>(checked, flawed)
}

function unwrap<T>(result: StandardSchemaV1.Result<unknown>, flawed: (flaw: string) => Error): T {
  if (result.issues !== undefined) throw flawed(flawOf(result.issues))
  return result.value as T
}

function flawOf(issues: readonly StandardSchemaV1.Issue[]): string {
  const first = issues
    .slice(0, 3)
    .map(issue => {
      const path = (issue.path ?? []).map(part => String(typeof part === 'object' ? part.key : part)).join('.')
      return path === '' ? issue.message : `${path}: ${issue.message}`
    })
    .join('; ')
  return first.replace(/\s*\n\s*/g, ' ').slice(0, 300)
}
