/** A public key as root metadata name it. */
export interface PublicKey {
  readonly keyId: string
  /** The 32 bytes as lower-case hexadecimal. */
  readonly public: string
}
