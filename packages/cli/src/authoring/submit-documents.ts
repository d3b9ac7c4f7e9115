import type { DocumentVerdict, Submission } from '@instar/node/control'
import type { ControlClient } from '../control/control-client.js'
import type { Output } from '../output/output.js'
import { Refused } from '../refused.js'

/** Hands documents to a peer and shows what it makes of each. @throws Refused for the first that it does not take */
export async function submitDocuments(client: ControlClient, submission: Submission, output: Output): Promise<void> {
  const verdicts = await client.submit(submission)
  for (const verdict of verdicts) output.result(verdict, () => `  ${verdictWords(verdict)}`)
  const refused = verdicts.find(isRefusal)
  if (refused !== undefined) throw new Refused(`The peer refused ${verdictWords(refused)}.`)
}

/** What is there already is ignored, and that is fine. */
function isRefusal({ verdict, code }: DocumentVerdict): boolean {
  return verdict === 'reject' || (verdict === 'ignore' && code !== 'Known')
}

function verdictWords({ document, verdict, code, detail }: DocumentVerdict): string {
  const why = [code, detail].filter(part => part !== undefined).join(': ')
  return `${document}: ${verdict}${why === '' ? '' : ` (${why})`}`
}
