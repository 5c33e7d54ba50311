/** The hooks of all plugins: facts told to each, questions asked until one says `handled`. */
import { type HookName, type Hooks, isPromise, type Logger, type MaybePromise, StanzaError, type Verdict } from '@beaconfire/plugin-sdk'

type FactOf<Name extends HookName> = Parameters<Hooks[Name]>[0]
/** Hooks that are asked for a verdict. */
export type VerdictHook = { [Name in HookName]: ReturnType<Hooks[Name]> extends MaybePromise<Verdict> ? Name : never }[HookName]

interface Listener {
  readonly plugin: string
  readonly hook: (fact: never) => MaybePromise<Verdict | void>
}

export class HookRegistry {
  readonly #listeners = new Map<HookName, readonly Listener[]>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** @returns the undo */
  add(plugin: string, hooks: Partial<Hooks>): () => void {
    const added: [HookName, Listener][] = []
    for (const name of Object.keys(hooks) as HookName[]) {
      const hook = hooks[name]?.bind(hooks)
      if (hook) added.push([name, { plugin, hook: hook as Listener['hook'] }])
    }
    for (const [name, listener] of added) this.#listeners.set(name, [...this.#of(name), listener])
    return () => {
      for (const [name, listener] of added) {
        this.#listeners.set(
          name,
          this.#of(name).filter((it) => it !== listener),
        )
      }
    }
  }

  /** Asks until one says `handled`. @throws StanzaError of a hook that refuses */
  ask<Name extends VerdictHook>(name: Name, fact: FactOf<Name>): MaybePromise<Verdict> {
    return this.#askFrom(0, this.#of(name), name, fact)
  }

  /** Tells all of them, one after the other. */
  tell<Name extends Exclude<HookName, VerdictHook>>(name: Name, fact: FactOf<Name>): MaybePromise<void> {
    return this.#tellFrom(0, this.#of(name), name, fact)
  }

  #askFrom(start: number, listeners: readonly Listener[], name: HookName, fact: unknown): MaybePromise<Verdict> {
    for (let i = start; i < listeners.length; i++) {
      const verdict = this.#call(listeners[i] as Listener, name, fact)
      if (isPromise(verdict)) return verdict.then((said) => (said === 'handled' ? said : this.#askFrom(i + 1, listeners, name, fact)))
      if (verdict === 'handled') return verdict
    }
    return 'pass'
  }

  #tellFrom(start: number, listeners: readonly Listener[], name: HookName, fact: unknown): MaybePromise<void> {
    for (let i = start; i < listeners.length; i++) {
      const told = this.#call(listeners[i] as Listener, name, fact)
      if (isPromise(told)) return told.then(() => this.#tellFrom(i + 1, listeners, name, fact))
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

  #of(name: HookName): readonly Listener[] {
    return this.#listeners.get(name) ?? []
  }
}
