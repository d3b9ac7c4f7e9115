import type { CertificateAnswer } from '@instar/node/control'

/** What became of a certificate, for people. */
export function handInWords(outcome: CertificateAnswer['outcome']): string {
  switch (outcome) {
    case 'kept':
      return 'This peer shows it from now on.'
    case 'handedOver':
      return 'Its peer was given it, and shows it from now on.'
    case 'waits':
      return 'Its peer cannot be reached now: this one gives it to it when the two meet.'
  }
}
