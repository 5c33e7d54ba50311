/** White space of XML (XML 1.0 §2.3), which may stand between stanzas (RFC 6120 §4.6.1). */

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

/** @returns where something else stands, from there on */
export function endOfSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

export function withoutLeadingSpace(bytes: Uint8Array): Uint8Array {
  let from = 0
  while (isSpace(bytes[from] as number)) from++
  return from === 0 ? bytes : bytes.subarray(from)
}
