/** What the server says of itself, and the hashes of it (XEP-0115, XEP-0390) for those who know it already. */
import {
  type Discovery,
  type Element,
  element,
  hashOfInfo,
  isPromise,
  type Jid,
  type Logger,
  legacyHashOfInfo,
  type MaybePromise,
  NS,
  parseElement,
  whenDone,
} from '@beaconfire/plugin-sdk'
import { askAll, combinedInfo } from './combined-info.js'

/** Names the software (XEP-0115 §4), not the server. */
const LEGACY_NODE = 'https://beaconfire.im'
/** XEP-0390 §5: answers stay available for at least so many that were announced. */
const REMEMBERED = 3

interface Announced {
  readonly revision: number
  readonly query: Element
  readonly legacyHash: string | undefined
  readonly hash: string | undefined
  /** The two as stream features. */
  readonly legacyCaps: Element | undefined
  readonly caps: Element | undefined
}

export class ServerInfo {
  readonly #discovery: Discovery
  readonly #domain: Jid
  readonly #log: Logger
  /** The newest last. */
  #announced: readonly Announced[] = []

  constructor(discovery: Discovery, domain: Jid, log: Logger) {
    this.#discovery = discovery
    this.#domain = domain
    this.#log = log
  }

  /** The answer without a node, for this asker. */
  answer(asker: Jid, payload: Element): MaybePromise<Element> {
    const discovery = this.#discovery
    const query = { target: 'server', entity: this.#domain, node: undefined, asker, isEntitled: true, payload } as const
    return whenDone(askAll(discovery, query), (parts) =>
      combinedInfo(undefined, [{ identities: discovery.identities(), features: discovery.features() }, ...parts]),
    )
  }

  /** The answer whose hash was announced under this node, if it was. */
  announced(node: string): Element | undefined {
    this.#newest()
    const found = this.#announced.find((it) => legacyNode(it) === node || hashNode(it) === node)
    if (!found) return undefined
    const query = parseElement(found.query.toString())
    query.attrs.node = node
    return query
  }

  /** `<c/>` of XEP-0115 §6.3 for the stream features. */
  legacyCaps(): Element | undefined {
    return this.#newest()?.legacyCaps
  }

  /** `<c/>` of XEP-0390 §5.1. */
  caps(): Element | undefined {
    return this.#newest()?.caps
  }

  /** Computed again only when plugins came or went. A plugin that must wait for its part makes the next stream the first to see it. */
  #newest(): Announced | undefined {
    const { revision } = this.#discovery
    const newest = this.#announced.at(-1)
    if (newest?.revision === revision) return newest
    const query = this.answer(this.#domain, element('query', { xmlns: NS.discoInfo }))
    if (isPromise(query)) {
      query.then(
        (made) => this.#announce(revision, made),
        (error: unknown) => this.#log.error({ error }, 'what the server can do is not known'),
      )
      return newest
    }
    return this.#announce(revision, query)
  }

  #announce(revision: number, query: Element): Announced {
    const legacyHash = legacyHashOfInfo(query, 'sha-1')
    const hash = hashOfInfo(query, 'sha-256')
    const made: Announced = {
      revision,
      query,
      legacyHash,
      hash,
      legacyCaps: legacyHash === undefined ? undefined : element('c', { xmlns: NS.legacyCaps, hash: 'sha-1', node: LEGACY_NODE, ver: legacyHash }),
      caps: hash === undefined ? undefined : element('c', { xmlns: NS.caps }, element('hash', { xmlns: NS.hashes, algo: 'sha-256' }, hash)),
    }
    this.#announced = [...this.#announced.filter((it) => it.hash !== made.hash), made].slice(-REMEMBERED)
    return made
  }
}

function legacyNode({ legacyHash }: Announced): string {
  return `${LEGACY_NODE}#${legacyHash}`
}

function hashNode({ hash }: Announced): string {
  return `${NS.caps}#sha-256.${hash}`
}
