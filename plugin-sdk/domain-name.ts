/** Domainparts (RFC 7622 §3.2): IP literals, and host names in the Unicode form they are stored and compared in. */
import { isIPv4, isIPv6 } from 'node:net'
import { toASCII, toUnicode } from 'tr46'
import { assertIdentifier, PreparationError } from './precis.js'

const RULES = { useSTD3ASCIIRules: true, checkHyphens: true, checkJoiners: true, checkBidi: true }
/** The full stops IDNA takes for a dot (RFC 3490 §3.1). */
const FINAL_DOT = /[.\u3002\uFF0E\uFF61]$/
const HYPHEN = 45
const DOT = 46
const LONGEST_NAME = 253
const LONGEST_LABEL = 63

/**
 * Lower-cased, composed, A-labels turned into U-labels, one final dot dropped.
 * @throws PreparationError
 */
export function prepareDomain(text: string): string {
  if (isPlainHost(text)) return text
  if (text.startsWith('[')) return prepareIPv6(text)
  const { domain, error } = toUnicode(text.replace(FINAL_DOT, ''), RULES)
  if (error) throw new PreparationError('is not a valid host name')
  if (/^[\d.]+$/.test(domain)) {
    if (isIPv4(domain)) return domain
    throw new PreparationError('is neither a host name nor an IPv4 address')
  }
  if (toASCII(domain, { ...RULES, verifyDNSLength: true }) === null) {
    throw new PreparationError('has an empty label or is too long for the DNS')
  }
  for (const label of domain.split('.')) assertIdentifier(label) // the mapping table lets symbols pass, IDNA2008 does not
  return domain
}

/** One address, one spelling (RFC 5952). A zone means something on one machine only, so it is no address for others. */
function prepareIPv6(text: string): string {
  const address = text.slice(1, -1)
  if (!text.endsWith(']') || !isIPv6(address) || address.includes('%')) {
    throw new PreparationError('is not a valid IPv6 address')
  }
  return new URL(`http://${text}/`).hostname
}

/** Hosts that preparation would not change; anything less common (`--`, no letter at all) is left to the long way. */
function isPlainHost(text: string): boolean {
  if (text.length > LONGEST_NAME) return false
  let labelStart = 0
  let hasLetter = false
  let previous = DOT
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 97 && code <= 122) hasLetter = true
    else if (code === HYPHEN || code === DOT) {
      if (previous === DOT || previous === HYPHEN) return false
      if (code === DOT) {
        if (i - labelStart > LONGEST_LABEL) return false
        labelStart = i + 1
      }
    } else if (code < 48 || code > 57) return false
    previous = code
  }
  return hasLetter && previous !== DOT && previous !== HYPHEN && text.length - labelStart <= LONGEST_LABEL
}
