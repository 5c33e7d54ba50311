/** The subdomains that plugins answer: whose a stanza is, and the answer to it. */
import {
  type DiscoveryItem,
  type Iq,
  Jid,
  type Logger,
  type MaybePromise,
  type PluginDomain,
  type Stanza,
  StanzaError,
  whenDone,
} from '@beaconfire/plugin-sdk'
import type { Origin } from '../pipeline/crossing.js'
import { type PinnedTable, PinnedTables } from '../pipeline/pinned-tables.js'
import { ContributionConflict } from '../plugin-host/registries.js'
import { answerTo, type Registered } from './plugin-answer.js'

/** A domain of a plugin. */
export interface AnsweredDomain extends Registered<PluginDomain> {
  readonly jid: Jid
}

export class PluginDomains {
  readonly #own: Jid
  readonly #log: Logger
  readonly #domains = new Map<string, AnsweredDomain>()
  readonly #table: PinnedTable<ReadonlyMap<string, AnsweredDomain>>

  /** @param own the server's domain */
  constructor(own: Jid, log: Logger, tables = new PinnedTables()) {
    this.#own = own
    this.#log = log
    this.#table = tables.table(() => new Map(this.#domains))
  }

  /** @returns the undo @throws ContributionConflict when the domain is another plugin's, JidError when it is no domain */
  add(plugin: string, domain: PluginDomain): () => void {
    const jid = Jid.of(undefined, `${domain.subdomain}.${this.#own.domain}`)
    const rival = this.#domains.get(jid.domain)
    if (rival) throw new ContributionConflict(`the domain "${jid.domain}" is answered by plugin ${rival.plugin} already`)
    const added = { plugin, jid, handler: domain }
    this.#table.change(() => void this.#domains.set(jid.domain, added))
    return () => {
      if (this.#domains.get(jid.domain) === added) this.#table.change(() => void this.#domains.delete(jid.domain))
    }
  }

  /** @returns undefined when the address is at no plugin's domain */
  find(to: Jid, stanza: Stanza): AnsweredDomain | undefined {
    return this.#table.of(stanza).get(to.domain)
  }

  /** Those that the server lists among its items. */
  listed(): readonly DiscoveryItem[] {
    const listed = [...this.#domains.values()].filter((it) => !it.handler.hidden)
    return listed.map(({ jid, handler: { name } }) => ({ jid, ...(name !== undefined && { name }) }))
  }

  /** Gives a stanza to the plugin whose domain it is for. @returns the reply to a request, or the refusal of any stanza */
  take(stanza: Stanza, to: Jid, origin: Origin, domain: AnsweredDomain): MaybePromise<Iq | StanzaError | undefined> {
    const request = { stanza, to, session: origin, hold: (durable: Promise<unknown>) => origin.hold(durable) }
    return whenDone(answerTo(request, domain, this.#log, 'a stanza to a domain of a plugin failed'), (answer) => {
      if (answer instanceof StanzaError) return answer
      return stanza.kind === 'iq' && stanza.isRequest ? stanza.result(answer) : undefined
    })
  }
}
