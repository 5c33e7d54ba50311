/** The hashes by which entities say what they can do: XEP-0115 §5 and XEP-0390 §4, over a disco#info `<query/>`. */
import { createHash } from 'node:crypto'
import { childElements, Element, element, findChild, namespaceOf } from './element.js'
import { NS } from './namespaces.js'

/** Names of hash functions (XEP-0300 §3, IANA's for XEP-0115) and Node's for the same. */
const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['md5', 'md5'],
  ['sha-1', 'sha1'],
  ['sha-224', 'sha224'],
  ['sha-256', 'sha256'],
  ['sha-384', 'sha384'],
  ['sha-512', 'sha512'],
  ['sha3-256', 'sha3-256'],
  ['sha3-512', 'sha3-512'],
])

interface Described {
  readonly identities: readonly (readonly [category: string, type: string, lang: string, name: string])[]
  readonly features: readonly string[]
  readonly forms: readonly (readonly DescribedField[])[]
}

interface DescribedField {
  readonly name: string
  readonly type: string
  readonly values: readonly string[]
}

/** True for a hash function that {@link hashOfInfo} and {@link legacyHashOfInfo} can compute. */
export function isKnownHash(algorithm: string): boolean {
  return FUNCTIONS.has(algorithm)
}

/**
 * The `ver` of XEP-0115 §5.1 in base64.
 * @returns undefined for an answer that is ill-formed (§5.4) or an unknown function
 */
export function legacyHashOfInfo(query: Element, algorithm: string): string | undefined {
  const { identities, features, forms } = describe(query)
  const parts = [...sorted(identities.map((it) => it.join('/'))), ...sorted(features)]
  if (hasDoubles(parts)) return undefined
  const typed: string[][] = []
  for (const form of forms) {
    const formType = form.find((it) => it.name === 'FORM_TYPE')
    if (formType?.type !== 'hidden') continue // §5.4: ignored
    if (new Set(formType.values).size !== 1) return undefined
    const fields = form.filter((it) => it.name !== 'FORM_TYPE').map((it) => [it.name, ...sorted(it.values)])
    typed.push([String(formType.values[0]), ...fields.sort((a, b) => compare(String(a[0]), String(b[0]))).flat()])
  }
  typed.sort((a, b) => compare(String(a[0]), String(b[0])))
  if (hasDoubles(typed.map((it) => String(it[0])))) return undefined
  return digest([...parts, ...typed.flat()].map((it) => `${it}<`).join(''), algorithm)
}

/**
 * A hash of XEP-0390 §4.1 in base64.
 * @returns undefined for an answer it has no hash for, or an unknown function
 */
export function hashOfInfo(query: Element, algorithm: string): string | undefined {
  for (const child of childElements(query)) {
    if (namespaceOf(child) === NS.dataForm ? !isTypedForm(child) : namespaceOf(child) !== NS.discoInfo) return undefined
  }
  const { identities, features, forms } = describe(query)
  const ended = (values: readonly string[]) => values.map((it) => `${it}\u001f`)
  const part = (entries: readonly string[]) => `${sorted(entries).join('')}\u001c`
  const fields = (form: readonly DescribedField[]) => sorted(form.map((it) => `${it.name}\u001f${sorted(ended(it.values)).join('')}\u001e`)).join('')
  const text = part(ended(features)) + part(identities.map((it) => `${ended(it).join('')}\u001e`)) + part(forms.map((it) => `${fields(it)}\u001d`))
  return digest(text, algorithm)
}

/** A disco#info `<query/>` (XEP-0030 §3.1). */
export function infoQuery(
  node: string | undefined,
  info: {
    readonly identities: readonly { readonly category: string; readonly type: string; readonly name?: string }[]
    readonly features: readonly string[]
    readonly forms?: readonly Element[]
  },
): Element {
  return element(
    'query',
    { xmlns: NS.discoInfo, node },
    ...info.identities.map(({ category, type, name }) => element('identity', { category, type, name })),
    ...info.features.map((feature) => element('feature', { var: feature })),
    ...(info.forms ?? []),
  )
}

function describe(query: Element): Described {
  const identities: [string, string, string, string][] = []
  const features: string[] = []
  const forms: DescribedField[][] = []
  for (const child of childElements(query)) {
    const { attrs } = child
    if (namespaceOf(child) === NS.dataForm) forms.push(fieldsOf(child))
    else if (namespaceOf(child) !== NS.discoInfo) continue
    else if (child.getName() === 'feature') features.push(String(attrs.var ?? ''))
    else if (child.getName() === 'identity') {
      identities.push([String(attrs.category ?? ''), String(attrs.type ?? ''), String(langOf(child) ?? ''), String(attrs.name ?? '')])
    }
  }
  return { identities, features, forms }
}

/** `xml:lang` is inherited (XEP-0390 §4.1). */
function langOf(el: Element): string | undefined {
  for (let at: Element | null | undefined = el; at instanceof Element; at = at.parent) {
    if (at.attrs['xml:lang'] !== undefined) return String(at.attrs['xml:lang'])
  }
  return undefined
}

function fieldsOf(form: Element): DescribedField[] {
  return childElements(form)
    .filter((it) => it.getName() === 'field')
    .map((field) => ({
      name: String(field.attrs.var ?? ''),
      type: String(field.attrs.type ?? ''),
      values: childElements(field).flatMap((it) => (it.getName() === 'value' ? [it.getText()] : [])),
    }))
}

function isTypedForm(form: Element): boolean {
  if (findChild(form, 'reported') || findChild(form, 'item')) return false
  const formType = fieldsOf(form).filter((it) => it.name === 'FORM_TYPE')
  return formType.length === 1 && formType[0]?.type === 'hidden' && formType[0].values.length === 1
}

/** By octets of UTF-8 (i;octet of RFC 4790), which is not the order of UTF-16 units. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function sorted(texts: readonly string[]): string[] {
  return [...texts].sort(compare)
}

function hasDoubles(texts: readonly string[]): boolean {
  return new Set(texts).size < texts.length
}

function digest(text: string, algorithm: string): string | undefined {
  const name = FUNCTIONS.get(algorithm)
  return name && createHash(name).update(text).digest('base64')
}
