/** What a presence says about the features behind it: XEP-0390, or XEP-0115 where that is all there is. */
import { childElements, type Element, isKnownHash, NS, namespaceOf, type Presence } from '@beaconfire/plugin-sdk'

export interface AdvertisedCaps {
  readonly format: 'hashes' | 'legacy'
  /** Node to ask for (XEP-0030). */
  readonly node: string
  readonly algorithm: string
  /** Base64. */
  readonly hash: string
  /** False when the hash cannot be checked here: what the client answers then counts for this client alone. */
  readonly isVerifiable: boolean
}

/** Longer ones are no hashes. */
const LONGEST_HASH = 128
const LONGEST_NODE = 1024

/** Undefined when it says nothing, or nothing that could be asked for. The presence is not touched. */
export function advertisedCaps(presence: Presence): AdvertisedCaps | undefined {
  const hasHashes = presence.hasChild('c', NS.caps)
  if (!hasHashes && !presence.hasChild('c', NS.legacyCaps)) return undefined
  const copy = presence.clone() // so that the original need not be written anew for every contact
  const hashes = hasHashes ? copy.child('c', NS.caps) : undefined
  const legacy = copy.child('c', NS.legacyCaps)
  return (hashes && ofHashes(hashes)) ?? (legacy && ofLegacy(legacy))
}

function ofHashes(c: Element): AdvertisedCaps | undefined {
  for (const child of childElements(c)) {
    if (child.getName() !== 'hash' || namespaceOf(child) !== NS.hashes) continue
    const algorithm = String(child.attrs.algo ?? '')
    const hash = child.getText().trim()
    if (!isKnownHash(algorithm) || algorithm === 'md5' || hash === '' || hash.length > LONGEST_HASH) continue
    return { format: 'hashes', node: `${NS.caps}#${algorithm}.${hash}`, algorithm, hash, isVerifiable: true }
  }
  return undefined
}

function ofLegacy(c: Element): AdvertisedCaps | undefined {
  const { node, ver, hash: algorithm } = c.attrs as Record<string, string | undefined>
  if (!node || !ver || node.length > LONGEST_NODE || ver.length > LONGEST_HASH) return undefined
  const isVerifiable = algorithm !== undefined && isKnownHash(algorithm)
  return { format: 'legacy', node: `${node}#${ver}`, algorithm: algorithm ?? '', hash: ver, isVerifiable }
}

/** What stands for the same features at every client. */
export function cacheKey({ format, algorithm, hash }: AdvertisedCaps): string {
  return `${format}/${algorithm}/${hash}`
}
