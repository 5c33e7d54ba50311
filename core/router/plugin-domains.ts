/** The subdomains that plugins answer: whose a stanza is, and the answer to it. */
import {
  type DiscoveryItem,
  type Iq,
  isPromise,
  Jid,
  type Logger,
  type MaybePromise,
  type PluginDomain,
  type Stanza,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { Origin } from '../pipeline/crossing.js'
import { withinLimit } from '../pipeline/time-limit.js'
import { ContributionConflict } from '../plugin-host/registries.js'

/** How long a plugin may take over one stanza, in ms: the sender's next stanza waits for it. */
const ANSWER_LIMIT_MS = 30_000

interface Registered {
  readonly plugin: string
  readonly jid: Jid
  readonly domain: PluginDomain
}

export class PluginDomains {
  readonly #own: Jid
  readonly #log: Logger
  readonly #domains = new Map<string, Registered>()

  /** @param own the server's domain */
  constructor(own: Jid, log: Logger) {
    this.#own = own
    this.#log = log
  }

  /** @returns the undo @throws ContributionConflict when the domain is another plugin's, JidError when it is no domain */
  add(plugin: string, domain: PluginDomain): () => void {
    const jid = Jid.of(undefined, `${domain.subdomain}.${this.#own.domain}`)
    const rival = this.#domains.get(jid.domain)
    if (rival) throw new ContributionConflict(`the domain "${jid.domain}" is answered by plugin ${rival.plugin} already`)
    const added = { plugin, jid, domain }
    this.#domains.set(jid.domain, added)
    return () => {
      if (this.#domains.get(jid.domain) === added) this.#domains.delete(jid.domain)
    }
  }

  answers(to: Jid): boolean {
    return this.#domains.has(to.domain)
  }

  /** Those that the server lists among its items. */
  listed(): readonly DiscoveryItem[] {
    const listed = [...this.#domains.values()].filter((it) => !it.domain.hidden)
    return listed.map(({ jid, domain }) => ({ jid, ...(domain.name !== undefined && { name: domain.name }) }))
  }

  /** Gives a stanza to the plugin whose domain it is for. @returns the reply to a request, or the refusal of any stanza */
  take(stanza: Stanza, to: Jid, origin: Origin): MaybePromise<Iq | StanzaError | undefined> {
    const found = this.#domains.get(to.domain)
    if (!found) return new StanzaError('service-unavailable')
    const { domain, plugin } = found
    const isRequest = stanza.kind === 'iq' && stanza.isRequest
    try {
      const answer = domain.handle({ stanza, to, session: origin, hold: (durable) => origin.hold(durable) })
      if (!isPromise(answer)) return isRequest ? stanza.result(answer ?? undefined) : undefined
      return withinLimit('the answer', () => answer, ANSWER_LIMIT_MS).then(
        (made) => (isRequest ? stanza.result(made ?? undefined) : undefined),
        (error: unknown) => this.#refusal(error, plugin),
      )
    } catch (error) {
      return this.#refusal(error, plugin)
    }
  }

  #refusal(error: unknown, plugin: string): StanzaError {
    if (error instanceof StanzaError) return error
    this.#log.error({ plugin, error }, 'a stanza to a domain of a plugin failed')
    return new StanzaError('internal-server-error', { type: 'wait' })
  }
}
