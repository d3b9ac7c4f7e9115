/** Text of a person, on one line and without control characters, so that it cannot imitate ours. */
export function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
}

export function listOf(items: readonly string[]): string {
  return items.length === 0 ? '' : ` (${items.join(', ')})`
}

export function short(hex: string): string {
  return hex.slice(0, 8)
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
