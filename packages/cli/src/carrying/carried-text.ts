import type { Carried } from '@instar/node/mirror'

/** What was brought to a peer, in words. */
export function carriedText(
  { documents, known, unused, heard, bundles, missingBundles }: Carried,
  dryRun = false
): string {
  const verb = dryRun ? 'would take' : 'took'
  const lines = [
    `The peer ${verb} ${count(documents, 'new document')}; ${known} it knew already.`,
    ...(unused === 0 ? [] : [`${count(unused, 'document')} of no use here: nothing that it trusts leads to them.`]),
    ...(heard === 0 ? [] : [`It heard news of ${count(heard, 'peer')}, as old as the file says.`]),
    ...(bundles.length === 0 ? [] : [`It ${dryRun ? 'would get' : 'got'} ${count(bundles.length, 'bundle')}.`]),
    ...missingBundles.map(id => `The bundle ${id.slice(0, 16)} is not there: the peer asks its neighbours for it.`)
  ]
  return lines.join('\n')
}

export function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`
}
