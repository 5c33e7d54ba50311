/** The hooks of all plugins: facts told to each, questions asked until one says `handled`. */
import {
  type HookName,
  type Hooks,
  isPromise,
  type Logger,
  type MaybePromise,
  type RoutedNotes,
  StanzaError,
  type Verdict,
} from '@beaconfire/plugin-sdk'
import type { PluginRank } from '../plugin-host/registries.js'
import { type PinnedTable, PinnedTables } from './pinned-tables.js'
import { withinLimit } from './time-limit.js'

/** How long a hook may take over its verdict, in ms. */
const VERDICT_LIMIT_MS = 30_000

type FactOf<Name extends HookName> = Parameters<Hooks[Name]>[0]
/** Hooks that are asked for a verdict. */
export type VerdictHook = { [Name in HookName]: ReturnType<Hooks[Name]> extends MaybePromise<Verdict> ? Name : never }[HookName]

/** Told what each hook says that is asked about a stanza. */
export interface HookWatch {
  /** @param elapsed ms that the answer took */
  hookAsked(plugin: string, hook: string, stanza: RoutedNotes, outcome: Verdict | 'rejected', elapsed: number): void
}

interface Listener {
  readonly plugin: string
  readonly hook: (fact: never) => MaybePromise<Verdict | void>
}

const NOBODY: readonly Listener[] = []

export class HookRegistry {
  readonly #listeners = new Map<HookName, readonly Listener[]>()
  readonly #log: Logger
  readonly #tables: PinnedTables
  readonly #table: PinnedTable<ReadonlyMap<HookName, readonly Listener[]>>
  #watch: HookWatch | undefined

  constructor(log: Logger, tables = new PinnedTables()) {
    this.#log = log
    this.#tables = tables
    this.#table = tables.table(() => new Map(this.#listeners))
  }

  /** Lets `watch` know what each hook says that is asked about a stanza; undefined: nobody is told. */
  watch(watch: HookWatch | undefined): void {
    this.#watch = watch
  }

  /** @returns the undo */
  add(plugin: string, hooks: Partial<Hooks>): () => void {
    const added: [HookName, Listener][] = []
    for (const name of Object.keys(hooks) as HookName[]) {
      const hook = hooks[name]?.bind(hooks)
      if (hook) added.push([name, { plugin, hook: hook as Listener['hook'] }])
    }
    const change = (name: HookName, to: (registered: readonly Listener[]) => readonly Listener[]) =>
      this.#listeners.set(name, to(this.#listeners.get(name) ?? NOBODY))
    this.#table.change(() => {
      for (const [name, listener] of added) change(name, (registered) => [...registered, listener])
    })
    return () =>
      this.#table.change(() => {
        for (const [name, listener] of added) change(name, (registered) => registered.filter((it) => it !== listener))
      })
  }

  /** Plugins are asked and told in this order from now on. */
  arrange(rank: PluginRank): void {
    this.#table.change(() => {
      for (const [name, listeners] of this.#listeners)
        this.#listeners.set(
          name,
          [...listeners].sort((a, b) => rank(a.plugin) - rank(b.plugin)),
        )
    })
  }

  /** Asks until one says `handled`: those that the stanza it is about began with. @throws StanzaError of a hook that refuses */
  ask<Name extends VerdictHook>(name: Name, fact: FactOf<Name>): MaybePromise<Verdict> {
    const about = this.#tables.isSettled ? undefined : stanzaOf(fact)
    const table = about ? this.#table.of(about) : this.#table.current
    return this.#askFrom(0, table.get(name) ?? NOBODY, name, fact)
  }

  /** Tells all that serve now, one after the other. @throws the first StanzaError of a hook, when all have been told */
  tell<Name extends Exclude<HookName, VerdictHook>>(name: Name, fact: FactOf<Name>): MaybePromise<void> {
    const told = this.#tellFrom(0, this.#table.current.get(name) ?? NOBODY, name, fact, undefined)
    return isPromise(told) ? this.#tables.await(told) : told
  }

  #askFrom(start: number, listeners: readonly Listener[], name: HookName, fact: unknown): MaybePromise<Verdict> {
    for (let i = start; i < listeners.length; i++) {
      const listener = listeners[i] as Listener
      const verdict = this.#watch === undefined ? this.#call(listener, name, fact) : this.#callWatched(this.#watch, listener, name, fact)
      if (isPromise(verdict))
        return this.#inTime(verdict, name, listeners[i] as Listener).then((said) =>
          said === 'handled' ? said : this.#askFrom(i + 1, listeners, name, fact),
        )
      if (verdict === 'handled') return verdict
    }
    return 'pass'
  }

  #tellFrom(start: number, listeners: readonly Listener[], name: HookName, fact: unknown, refusal: StanzaError | undefined): MaybePromise<void> {
    let first = refusal
    for (let i = start; i < listeners.length; i++) {
      try {
        const told = this.#call(listeners[i] as Listener, name, fact)
        if (!isPromise(told)) continue
        return told.then(
          () => this.#tellFrom(i + 1, listeners, name, fact, first),
          (error: StanzaError) => this.#tellFrom(i + 1, listeners, name, fact, first ?? error),
        )
      } catch (error) {
        first ??= error as StanzaError // `#call` throws no other
      }
    }
    if (first !== undefined) throw first
  }

  /** The sender's next stanza waits for a verdict, so it does not wait for ever. */
  #inTime(verdict: Promise<Verdict | void>, name: HookName, listener: Listener): Promise<Verdict | void> {
    return withinLimit(`hook ${name} of plugin ${listener.plugin}`, () => verdict, VERDICT_LIMIT_MS).catch((error: unknown) => {
      if (error instanceof StanzaError) throw error
      this.#failed(error, listener, name)
      throw new StanzaError('internal-server-error', { type: 'wait', text: 'The server took too long over this.' })
    })
  }

  #callWatched(watch: HookWatch, listener: Listener, name: HookName, fact: unknown): MaybePromise<Verdict | void> {
    const startedAt = performance.now()
    const about = stanzaOf(fact)
    const report = (outcome: Verdict | 'rejected') => {
      if (about) watch.hookAsked(listener.plugin, name, about, outcome, performance.now() - startedAt)
    }
    const said = (verdict: Verdict | void) => {
      report(verdict ?? 'pass')
      return verdict
    }
    const refused = (error: unknown): never => {
      report('rejected')
      throw error
    }
    try {
      const verdict = this.#call(listener, name, fact)
      return isPromise(verdict) ? verdict.then(said, refused) : said(verdict)
    } catch (error) {
      return refused(error)
    }
  }

  #call(listener: Listener, name: HookName, fact: unknown): MaybePromise<Verdict | void> {
    try {
      const said = listener.hook(fact as never)
      return isPromise(said) ? said.catch((error: unknown) => this.#failed(error, listener, name)) : said
    } catch (error) {
      return this.#failed(error, listener, name)
    }
  }

  #failed(error: unknown, listener: Listener, name: HookName): Verdict {
    if (error instanceof StanzaError) throw error
    this.#log.error({ plugin: listener.plugin, hook: name, error }, 'hook failed')
    return 'pass'
  }
}

/** The stanza that a verdict is asked about. */
function stanzaOf(fact: unknown): RoutedNotes | undefined {
  const { message, presence, stanza } = fact as { message?: RoutedNotes; presence?: RoutedNotes; stanza?: RoutedNotes }
  return message ?? presence ?? stanza
}
