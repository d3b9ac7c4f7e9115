import { documentsOf, type TrustState } from '@instar/signer'
import type { DocumentVerdict, Submission, TrustDocuments } from '../control/peer-control.js'
import type { TrustService } from '../trust/trust-service.js'

/** What is trusted, for a tool that builds on it or carries it elsewhere. */
export function trustDocumentsOf(state: TrustState): TrustDocuments {
  const documents = documentsOf(state)
  return {
    documents: documents.filter(({ info }) => info.role !== 'descriptor').map(({ bytes }) => bytes),
    descriptors: documents
      .filter(({ info }) => info.role === 'descriptor')
      .sort((a, b) => a.info.version - b.info.version)
      .map(({ bytes }) => bytes)
  }
}

/** Judges documents as if a neighbour had sent them, in the order in which they stand. */
export async function submitAll(
  trust: Pick<TrustService, 'submit'>,
  { documents, descriptor }: Submission
): Promise<readonly DocumentVerdict[]> {
  const verdicts: DocumentVerdict[] = []
  for (const [i, bytes] of [...documents, ...(descriptor === undefined ? [] : [descriptor])].entries()) {
    const verdict = await trust.submit(bytes, 'operator')
    const isDescriptor = i === documents.length
    if (verdict.verdict === 'accept') {
      const { role, version } = verdict.value
      verdicts.push({
        document: isDescriptor ? `descriptor of version ${version}` : `${role} ${version}`,
        verdict: 'accept'
      })
    } else {
      const { code, detail } = verdict
      verdicts.push({
        document: isDescriptor ? 'descriptor' : `document ${i + 1}`,
        verdict: verdict.verdict,
        code,
        detail
      })
    }
  }
  return verdicts
}
