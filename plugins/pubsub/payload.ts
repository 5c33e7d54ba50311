/** Payloads as XML that means the same wherever it stands: what it inherited is written into it. */
import { Element, namespaceOf } from '@beaconfire/plugin-sdk'

/** @returns the XML of `payload`, with the namespaces declared that it uses. The element is changed. */
export function selfContained(payload: Element): string {
  if (!payload.name.includes(':') && payload.attrs.xmlns === undefined) payload.attrs.xmlns = namespaceOf(payload)
  for (const prefix of usedPrefixes(payload)) {
    const namespace = payload.findNS(prefix)
    if (namespace !== undefined && namespace !== null) payload.attrs[`xmlns:${prefix}`] = namespace
  }
  return payload.toString()
}

/** Prefixes that are used somewhere below, and not declared there. */
function usedPrefixes(el: Element, declared: ReadonlySet<string> = new Set(['xml', 'xmlns']), used = new Set<string>()): Set<string> {
  const own = Object.keys(el.attrs).flatMap((it) => (it.startsWith('xmlns:') ? [it.slice('xmlns:'.length)] : []))
  const known = own.length === 0 ? declared : new Set([...declared, ...own])
  for (const name of [el.name, ...Object.keys(el.attrs)]) {
    const colon = name.indexOf(':')
    if (colon > 0 && !known.has(name.slice(0, colon))) used.add(name.slice(0, colon))
  }
  for (const child of el.children) if (child instanceof Element) usedPrefixes(child, known, used)
  return used
}
