import type { Flaw } from '../flaw.js'
import type { HistoryResult } from './result.js'

/**
 * A failed history for people: each event and call, who served it, and what all versions then hold; the line that is wrong is marked.
 */
export function transcriptOf({ lines, flaw }: Pick<HistoryResult, 'lines' | 'flaw'>): string {
  const width = Math.min(Math.max(...lines.map(each => each.what.length), 0), 60)
  const written = lines.map(({ what, by, states }, i) => {
    const isWrong = flaw !== undefined && i === lines.length - 1
    const head = `${isWrong ? '→' : ' '} ${what.padEnd(by === undefined ? 0 : width)}${by === undefined ? '' : `   (${by})`}`
    const unchanged = i > 0 && lines[i - 1]?.states === states
    return states === '' || (unchanged && !isWrong) ? head : `${head}\n      ${states}`
  })
  return [...written, ...(flaw === undefined ? [] : flawLines(flaw))].join('\n')
}

function flawLines({ kind, text, expected, actual }: Flaw): readonly string[] {
  return [
    `${kind}: ${text}`,
    ...(expected === undefined ? [] : [`  expected  ${expected}`]),
    ...(actual === undefined ? [] : [`  actual    ${actual}`])
  ]
}
