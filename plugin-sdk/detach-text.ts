/** Texts that outlive the stanza they were read in. */

/**
 * A copy that shares no memory. What is cut from a stanza keeps all the text alive that was read with it, up to 64 KiB: whoever keeps an
 * id, a name or a body for long in memory keeps a copy.
 */
export function detachText(text: string): string {
  const encoding = Buffer.byteLength(text) === text.length ? 'latin1' : 'utf16le'
  return Buffer.from(text, encoding).toString(encoding)
}
