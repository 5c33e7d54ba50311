/** Commands that have been begun and wait for their next form (XEP-0050 §3.3): bounded in number and in time. */
import { randomBytes } from 'node:crypto'
import { type Command, type CommandRequest, type CommandStage, type Jid, StanzaError, type Timer, type Timers } from '@beaconfire/plugin-sdk'
import type { AdhocConfig } from './config.js'

/** Sessions that ended without their user, remembered so that they can be told of it. */
const MOST_EXPIRED = 1000

export interface CommandSession {
  readonly id: string
  readonly command: Command
  /** As it was at the first stage: who, and in which language. */
  readonly request: CommandRequest
  /** Stages so far; the last is the one that waits. */
  readonly stages: CommandStage[]
}

export class CommandSessions {
  readonly #sessions = new Map<string, { readonly session: CommandSession; timer: Timer }>()
  /** Ids by full JID, oldest first. */
  readonly #ofUser = new Map<string, Set<string>>()
  readonly #expired = new Set<string>()
  readonly #limits: AdhocConfig
  readonly #timers: Timers

  constructor(limits: AdhocConfig, timers: Timers) {
    this.#limits = limits
    this.#timers = timers
  }

  get size(): number {
    return this.#sessions.size
  }

  /** @throws StanzaError resource-constraint when there are too many of all users' */
  begin(command: Command, request: CommandRequest, stage: CommandStage): CommandSession {
    const user = request.user.toString()
    const own = this.#ofUser.get(user)
    if (own && own.size >= this.#limits.maxSessionsPerUser) this.#expire(own.values().next().value as string)
    if (this.#sessions.size >= this.#limits.maxSessions) throw new StanzaError('resource-constraint', { text: 'Too many commands are under way.' })
    const session = { id: newSessionId(), command, request, stages: [stage] }
    this.#sessions.set(session.id, { session, timer: this.#timer(session.id) })
    const ids = this.#ofUser.get(user) ?? new Set()
    this.#ofUser.set(user, ids.add(session.id))
    return session
  }

  /** Another user's is as good as none. */
  find(id: string, user: Jid): CommandSession | undefined {
    const session = this.#sessions.get(id)?.session
    return session?.request.user.equals(user) ? session : undefined
  }

  /** True when there was such a session, which ended because nobody went on with it. */
  hasExpired(id: string): boolean {
    return this.#expired.has(id)
  }

  /** Its user is at it: the time begins anew. */
  touch(session: CommandSession): void {
    const held = this.#sessions.get(session.id)
    if (!held) return
    held.timer.cancel()
    held.timer = this.#timer(session.id)
  }

  end(session: CommandSession): void {
    this.#remove(session.id)
  }

  /** The resource has gone. */
  endAllOf(user: Jid): void {
    for (const id of this.#ofUser.get(user.toString()) ?? []) this.#remove(id)
  }

  #timer(id: string): Timer {
    return this.#timers.after(this.#limits.sessionSeconds * 1000, () => this.#expire(id))
  }

  #expire(id: string): void {
    this.#remove(id)
    this.#expired.add(id)
    if (this.#expired.size > MOST_EXPIRED) this.#expired.delete(this.#expired.values().next().value as string)
  }

  #remove(id: string): void {
    const held = this.#sessions.get(id)
    if (!held) return
    held.timer.cancel()
    this.#sessions.delete(id)
    const user = held.session.request.user.toString()
    const ids = this.#ofUser.get(user)
    ids?.delete(id)
    if (ids?.size === 0) this.#ofUser.delete(user)
  }
}

/** Not to be guessed. */
export function newSessionId(): string {
  return randomBytes(12).toString('base64url')
}
