export interface Progress {
  show(text: string): void
  /** Removes the line, so that what is printed next stands alone. */
  clear(): void
}

/** One line that is written over on a terminal; nothing at all elsewhere. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  const rewrite = (text: string): void => void stream.write(`\r\u001b[2K${text}`)
  if (!stream.isTTY) return { show: () => undefined, clear: () => undefined }
  return {
    show: text => rewrite(text.slice(0, Math.max(20, stream.columns - 1))),
    clear: () => rewrite('')
  }
}
