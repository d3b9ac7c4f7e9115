import { hashOf } from '../metadata/canonical.js'
import type { Delegation } from './models.js'

/** Whether a role is trusted with a target path. */
export function isTrustedWith({ paths, pathHashPrefixes }: Delegation, targetPath: string): boolean {
  if (paths !== undefined) return paths.some(pattern => matchesPattern(pattern, targetPath))
  const hash = hashOf(Buffer.from(targetPath, 'utf8'))
  return pathHashPrefixes?.some(prefix => hash.startsWith(prefix)) === true
}

/**
 * `*` stands for any characters, `?` for one, and neither for a slash; anything else stands for itself, case included. Nothing more of
 * the shell's language: a pattern that is read too widely gives a role what nobody gave it.
 */
function matchesPattern(pattern: string, path: string): boolean {
  const patterns = pattern.split('/')
  const parts = path.split('/')
  return patterns.length === parts.length && patterns.every((each, i) => matchesPart(each, parts[i] ?? ''))
}

/** Goes back only to the last star, so its cost is at most the product of both lengths, never exponential. */
function matchesPart(pattern: string, part: string): boolean {
  let at = 0
  let star = -1
  let starAt = 0
  let i = 0
  while (i < part.length) {
    const wanted = pattern[at]
    if (wanted === '*') {
      star = at++
      starAt = i
    } else if (wanted === '?' || (wanted !== undefined && wanted === part[i])) {
      at++
      i++
    } else if (star >= 0) {
      at = star + 1
      i = ++starAt
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
