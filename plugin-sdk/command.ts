/** Ad-hoc commands (XEP-0050) that plugins contribute. The adhoc plugin lists and runs them; this is what one says of itself. */
import type { FormDescription, FormValues } from './data-form.js'
import type { Element } from './element.js'
import type { Jid } from './jid.js'
import type { MaybePromise } from './maybe-promise.js'

export interface CommandRequest {
  /** Full JID of who runs it. */
  readonly user: Jid
  /** `xml:lang` of the first request, if it had one. */
  readonly lang: string | undefined
}

export interface CommandNote {
  /** `info` unless given. A command that failed says so in a note of type `error` (XEP-0050 §3.6). */
  readonly type?: 'info' | 'warn' | 'error'
  readonly text: string
}

/** A form to fill in before the command goes on. */
export interface CommandStage {
  readonly form: FormDescription
  readonly notes?: readonly CommandNote[]
  /** False when another stage follows. What is offered then is `next`, else `complete`. */
  readonly isLast?: boolean
  /**
   * What was filled in: it has passed `checkForm`. Asked again after a refusal, or when the user came back to this stage.
   * @throws StanzaError to refuse; the user may try again
   */
  submit(values: FormValues, request: CommandRequest): MaybePromise<CommandStep>
}

/** The command is over. */
export interface CommandOutcome {
  readonly notes?: readonly CommandNote[]
  /** A data form of type `result`. */
  readonly result?: Element
}

export type CommandStep = CommandStage | CommandOutcome

export interface Command {
  /** Unique on the server, such as `http://jabber.org/protocol/admin#add-user`. */
  readonly node: string
  /** For people, in a menu. */
  readonly name: string
  /** Who may see and run it: administrators, all accounts of this server, or those it is true for. */
  readonly allowed: 'admins' | 'users' | ((user: Jid) => boolean)
  /** @returns the first stage, or at once the outcome @throws StanzaError to refuse */
  execute(request: CommandRequest): MaybePromise<CommandStep>
}
