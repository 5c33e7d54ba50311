/** Reads a client's disco#info answer, and says whether it may be believed of every client that shows the same hash. */
import { childElements, type Element, findChild, hashOfInfo, legacyHashOfInfo, NS, namespaceOf } from '@beaconfire/plugin-sdk'
import type { AdvertisedCaps } from './advertised-caps.js'

/** In UTF-16 units, all features together. A client has some 4,000. */
const LONGEST_FEATURES = 16_384

/**
 * Data forms whose names are no features of anybody. The text that XEP-0115 hashes does not tell where features end and forms begin: with
 * other forms, somebody could make an answer of the same hash in which a feature has become a form, and so is missing.
 */
const HARMLESS_FORMS: ReadonlySet<string> = new Set(['urn:xmpp:dataforms:softwareinfo'])
const HARMLESS_CATEGORY = /^[a-z][a-z0-9-]*$/i

export interface LearnedFeatures {
  readonly features: ReadonlySet<string>
  /** True when the hash proves the answer, and nobody can have made another answer of that hash. */
  readonly isProven: boolean
}

/** Undefined for an answer that is none, or lists more than anybody can do. */
export function learnedFeatures(query: Element | undefined, caps: AdvertisedCaps): LearnedFeatures | undefined {
  if (query?.getName() !== 'query' || namespaceOf(query) !== NS.discoInfo) return undefined
  const features = new Set<string>()
  let length = 0
  for (const child of childElements(query)) {
    if (child.getName() !== 'feature' || namespaceOf(child) !== NS.discoInfo) continue
    const feature = String(child.attrs.var ?? '')
    length += feature.length
    if (length > LONGEST_FEATURES) return undefined
    features.add(feature)
  }
  return { features, isProven: caps.isVerifiable && isProven(query, caps) }
}

function isProven(query: Element, { format, algorithm, hash }: AdvertisedCaps): boolean {
  if (format === 'hashes') return hashOfInfo(query, algorithm) === hash
  return legacyHashOfInfo(query, algorithm) === hash && isUnambiguous(query)
}

/** XEP-0115 §5.1 joins with `<` and `/` what may itself hold them. */
function isUnambiguous(query: Element): boolean {
  return childElements(query).every((child) => {
    if (namespaceOf(child) === NS.dataForm) return isHarmlessForm(child)
    const values = Object.values(child.attrs).map(String)
    if (values.some((it) => it.includes('<'))) return false
    return child.getName() !== 'identity' || (HARMLESS_CATEGORY.test(String(child.attrs.category)) && !/[/:]/.test(String(child.attrs.type ?? '')))
  })
}

function isHarmlessForm(form: Element): boolean {
  const fields = childElements(form)
  const formType = fields.find((it) => it.attrs.var === 'FORM_TYPE')
  if (!formType || !HARMLESS_FORMS.has(findChild(formType, 'value')?.getText() ?? '')) return false
  return fields.every((field) => childElements(field).every((it) => !it.getText().includes('<')) && !String(field.attrs.var).includes('<'))
}
