/** Which stream features are offered when (RFC 6120 §4.3.2, §5.3.1, §6.3.2, §7.3.2; XEP-0198 §2). */
import { type Element, element, NS, namespaceOf, type StreamElementHandler, type StreamFeature } from '@beaconfire/plugin-sdk'
import type { PluginRank } from '../plugin-host/registries.js'

export type TlsPolicy = 'required' | 'optional' | 'disabled'

interface Registered {
  readonly plugin: string
  readonly feature: StreamFeature
  /** What it gave last, and as what that was written. */
  element: Element | undefined
  text: string
}

/** The stream features that plugins offer, in order of adding until plugins are arranged. */
export class StreamFeatureRegistry {
  #features: readonly Registered[] = []

  /** @returns the undo */
  add(plugin: string, feature: StreamFeature): () => void {
    const added: Registered = { plugin, feature, element: undefined, text: '' }
    this.#features = [...this.#features, added]
    return () => {
      this.#features = this.#features.filter((it) => it !== added)
    }
  }

  arrange(rank: PluginRank): void {
    this.#features = [...this.#features].sort((a, b) => rank(a.plugin) - rank(b.plugin))
  }

  /** As XML. An element that a plugin gives for every peer is written once. */
  offered(when: StreamFeature['when'], peer: Parameters<StreamFeature['element']>[0]): string {
    let text = ''
    for (const it of this.#features) {
      if (it.feature.when !== when) continue
      const given = it.feature.element(peer)
      if (given && given !== it.element) {
        it.element = given
        it.text = given.toString()
      }
      if (given) text += it.text
    }
    return text
  }

  /** Who takes an element that is no stanza from a client that has bound a resource. */
  handlerOf(el: Element): StreamElementHandler | undefined {
    for (const { feature } of this.#features) {
      const found = feature.elements?.find((it) => it.name === el.getName() && it.namespace === namespaceOf(el))
      if (found) return found
    }
    return undefined
  }
}

export function starttlsFeature(policy: TlsPolicy): Element {
  return element('starttls', { xmlns: NS.tls }, policy === 'required' && element('required'))
}

/**
 * What a peer may send (XEP-0478).
 * @param limits bytes of one element; seconds of silence after which the stream may end, 0 for any
 */
export function limitsFeature(limits: { readonly maxBytes: number; readonly idleSeconds: number }): Element {
  return element(
    'limits',
    { xmlns: NS.streamLimits },
    element('max-bytes', {}, String(limits.maxBytes)),
    limits.idleSeconds > 0 && element('idle-seconds', {}, String(limits.idleSeconds)),
  )
}

/** As XML. */
export const BIND_FEATURES = [
  element('bind', { xmlns: NS.bind }),
  element('session', { xmlns: NS.session }, element('optional')),
  element('sm', { xmlns: NS.streamManagement }),
].join('')
