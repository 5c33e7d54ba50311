/** Runs commands (XEP-0050 §2.4): from the first request through their forms to the end. */
import {
  type Admins,
  type Command,
  type CommandRequest,
  type CommandStage,
  type CommandStep,
  checkForm,
  type Element,
  type FormValues,
  findForm,
  type IqHandler,
  type IqRequest,
  type Jid,
  NS,
  type PluginContext,
  readForm,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import { canceled, commandError, completed, executing, onwardAction } from './command-elements.js'
import { type CommandSession, type CommandSessions, newSessionId } from './command-sessions.js'

const ACTIONS: readonly unknown[] = ['execute', 'cancel', 'prev', 'next', 'complete']

export type Commands = PluginContext['commands']

export interface CommandCollaborators {
  readonly domain: Jid
  readonly commands: Commands
  readonly admins: Admins
  readonly sessions: CommandSessions
}

export function mayRun(command: Command, user: Jid, { admins, domain }: Pick<CommandCollaborators, 'admins' | 'domain'>): boolean {
  if (command.allowed === 'admins') return admins.has(user)
  if (command.allowed === 'users') return user.local !== '' && user.domain === domain.domain
  return command.allowed(user)
}

export class CommandRequests {
  readonly #server: CommandCollaborators

  constructor(server: CommandCollaborators) {
    this.#server = server
  }

  handler(): IqHandler {
    return { namespace: NS.commands, element: 'command', type: 'set', targets: ['server'], handle: (request) => this.#handle(request) }
  }

  async #handle({ iq, payload }: IqRequest): Promise<Element> {
    const user = iq.from
    const { node, action = 'execute', sessionid } = payload.attrs as Record<string, unknown>
    if (!user || typeof node !== 'string' || node === '') throw new StanzaError('bad-request', { text: 'Which command?' })
    if (!ACTIONS.includes(action)) throw commandError('malformed-action')
    const command = this.#server.commands.find(node)
    if (!command) throw new StanzaError('item-not-found', { text: 'There is no such command.' })
    if (!mayRun(command, user, this.#server)) throw new StanzaError('forbidden')
    if (typeof sessionid === 'string') return this.#goOn(this.#session(sessionid, command, user), String(action), payload)
    if (action !== 'execute') throw commandError('bad-action', 'This command has not begun.')
    return this.#begin(command, { user, lang: langOf(payload) ?? iq.lang })
  }

  async #begin(command: Command, request: CommandRequest): Promise<Element> {
    const step = await command.execute(request)
    if (isStage(step)) return executing(this.#server.sessions.begin(command, request, step))
    return completed(command.node, newSessionId(), step)
  }

  /** @throws StanzaError bad-sessionid; not-allowed with session-expired */
  #session(id: string, command: Command, user: Jid): CommandSession {
    const session = this.#server.sessions.find(id, user)
    // Its plugin may have been loaded anew meanwhile.
    if (session?.command === command) return session
    if ((session && session.command.node === command.node) || this.#server.sessions.hasExpired(id)) throw commandError('session-expired')
    throw commandError('bad-sessionid')
  }

  async #goOn(session: CommandSession, action: string, payload: Element): Promise<Element> {
    const { sessions } = this.#server
    const stage = session.stages.at(-1) as CommandStage
    sessions.touch(session)
    if (action === 'cancel') {
      sessions.end(session)
      return canceled(session.command.node, session.id)
    }
    if (action === 'prev') {
      if (session.stages.length === 1) throw commandError('bad-action', 'This is the first stage.')
      session.stages.pop()
      return executing(session)
    }
    if (action !== 'execute' && action !== onwardAction(stage)) throw commandError('bad-action')
    const step = await stage.submit(submitted(payload, stage), session.request)
    if (isStage(step)) {
      session.stages.push(step)
      return executing(session)
    }
    sessions.end(session)
    return completed(session.command.node, session.id, step)
  }
}

function isStage(step: CommandStep): step is CommandStage {
  return 'submit' in step
}

/** @throws StanzaError bad-request with bad-payload (§4.4), when the form is missing or not filled in as it must be */
function submitted(payload: Element, { form }: CommandStage): FormValues {
  const given = findForm(payload)
  if (!given) throw commandError('bad-payload', 'The form is missing.')
  // §3.5.1: a form that was cancelled counts as submitted.
  if (given.attrs.type === 'cancel') given.attrs.type = 'submit'
  try {
    return checkForm(form.fields, readForm(given, form.formType))
  } catch (error) {
    if (error instanceof StanzaError) throw commandError('bad-payload', error.text)
    throw error
  }
}

function langOf(payload: Element): string | undefined {
  const lang: unknown = payload.attrs['xml:lang']
  return typeof lang === 'string' ? lang : undefined
}
