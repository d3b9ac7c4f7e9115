import type { FileFacts } from './meta-file.js'

/**
 * Where below a repository's targets the file of a target lies; undefined for a path that has no safe place there. In a consistent
 * snapshot its hash stands before its name.
 */
export function fetchedPathOf(
  path: string,
  { hashes }: Pick<FileFacts, 'hashes'>,
  consistentSnapshot: boolean
): readonly string[] | undefined {
  const parts = path.split('/')
  // A URL takes `..` and an empty part for a way out, and so do file systems; some take a backslash for a slash.
  if (parts.some(each => each === '' || each === '.' || each === '..' || /[\\\u0000-\u001f]/.test(each)))
    return undefined
  if (!consistentSnapshot) return parts
  const hash = hashes?.get('sha256') ?? hashes?.get('sha512')
  const name = parts.pop()
  return hash === undefined ? undefined : [...parts, `${hash}.${name}`]
}
