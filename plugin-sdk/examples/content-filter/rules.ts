/** The rules in force: read from the table, compiled when they change, and never asked of the database on the way of a message. */
import { Matcher } from './matcher.js'
import { canonical, parsePattern } from './pattern.js'
import type { Action, Rule, RuleStore } from './rule-store.js'

/** Every rule with a `*` in its first word is tried on every word of every message. */
export const MOST_RULES = 1000

export type Outcome = { readonly rule: Rule } | { readonly refused: 'taken' | 'missing' | 'too-many' }

export class Rules {
  readonly #store: RuleStore
  #rules: readonly Rule[] = []
  #loads = 0
  rejecting = new Matcher([])
  masking = new Matcher([])

  constructor(store: RuleStore) {
    this.#store = store
  }

  get all(): readonly Rule[] {
    return this.#rules
  }

  /** Takes over what the table holds. */
  async load(): Promise<void> {
    const load = ++this.#loads
    const rules = await this.#store.all()
    // One that began later knows more.
    if (load !== this.#loads) return
    // Both before either is taken: a row that somebody wrote by hand and that cannot be read leaves all as it was.
    const [rejecting, masking] = [compiled(rules, 'reject'), compiled(rules, 'mask')]
    this.#rules = rules
    this.rejecting = rejecting
    this.masking = masking
  }

  /** In force when it resolves. @throws PatternRefused */
  async add(pattern: string, action: Action): Promise<Outcome> {
    const rule = { pattern: canonical(parsePattern(pattern)), action }
    if (this.#rules.length >= MOST_RULES) return { refused: 'too-many' }
    return this.#loaded(await this.#store.add(rule))
  }

  /** In force when it resolves. @throws PatternRefused */
  async change(id: number, pattern: string, action: Action): Promise<Outcome> {
    const rule = { id, pattern: canonical(parsePattern(pattern)), action }
    if (!this.#has(id)) return { refused: 'missing' }
    return this.#loaded(await this.#store.change(rule))
  }

  /** @returns false when there is no such rule */
  async remove(id: number): Promise<boolean> {
    if (!this.#has(id)) return false
    await this.#store.remove(id)
    await this.load()
    return true
  }

  #has(id: number): boolean {
    return this.#rules.some((rule) => rule.id === id)
  }

  async #loaded(rule: Rule | undefined): Promise<Outcome> {
    if (!rule) return { refused: 'taken' }
    await this.load()
    return { rule }
  }
}

function compiled(rules: readonly Rule[], action: Action): Matcher {
  return new Matcher(rules.filter((it) => it.action === action).map(({ id, pattern }) => ({ id, pattern: parsePattern(pattern) })))
}
