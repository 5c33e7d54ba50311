/** Puts together what several plugins say of one entity. */
import {
  type Discovery,
  type DiscoveryInfo,
  type DiscoveryQuery,
  type Element,
  type Identity,
  infoQuery,
  isPromise,
  type MaybePromise,
} from '@beaconfire/plugin-sdk'

/** Each identity and feature once (XEP-0115 §5.4 forbids doubles), each kind of form once. */
export function combinedInfo(node: string | undefined, parts: readonly (DiscoveryInfo | undefined)[]): Element {
  const identities = new Map<string, Identity>()
  const features = new Set<string>()
  const forms: Element[] = []
  for (const part of parts) {
    for (const it of part?.identities ?? []) identities.set([it.category, it.type, it.name].join('\n'), it)
    for (const it of part?.features ?? []) features.add(it)
    forms.push(...(part?.forms ?? []))
  }
  return infoQuery(node, { identities: [...identities.values()], features: [...features].sort(), forms })
}

/** What every plugin says of the entity; at once when none of them has to wait. */
export function askAll(discovery: Discovery, query: DiscoveryQuery): MaybePromise<readonly (DiscoveryInfo | undefined)[]> {
  const said = discovery.providers().map((it) => it.info?.(query))
  return said.some(isPromise) ? Promise.all(said.map(async (it) => it)) : (said as readonly (DiscoveryInfo | undefined)[])
}
