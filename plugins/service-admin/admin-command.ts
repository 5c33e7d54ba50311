/** What all commands of XEP-0133 have in common: node, form type, administrators alone, and the record of each act. */
import {
  type Audit,
  type Command,
  type CommandOutcome,
  type CommandRequest,
  type FormField,
  FormValues,
  type Jid,
  type Logger,
  type MaybePromise,
  NS,
  resultForm,
  StanzaError,
} from '@beaconfire/plugin-sdk'

export interface AdminCommand {
  /** What follows `http://jabber.org/protocol/admin#`. */
  readonly name: string
  readonly title: string
  readonly instructions?: string
  /** Without fields it is done at once. A function for fields that show how things are now. */
  readonly fields?: readonly FormField[] | (() => MaybePromise<readonly FormField[]>)
  /** True for one that only counts, which is not recorded. */
  readonly isHarmless?: boolean
  act(values: FormValues, request: CommandRequest): MaybePromise<CommandOutcome | void>
}

export interface Recording {
  readonly audit: Audit
  readonly log: Logger
  readonly domain: Jid
}

/** Fields whose values are not written down. */
const SECRET = /password/i

export function adminCommand(command: AdminCommand, recording: Recording): Command {
  const act = (values: FormValues, request: CommandRequest) => recorded(command, values, request, recording)
  return {
    node: `${NS.admin}#${command.name}`,
    name: command.title,
    allowed: 'admins',
    async execute(request) {
      if (!command.fields) return act(new FormValues(new Map()), request)
      const fields = typeof command.fields === 'function' ? await command.fields() : command.fields
      const { title, instructions } = command
      return { form: { formType: NS.admin, title, ...(instructions !== undefined && { instructions }), fields }, submit: act }
    },
  }
}

/** Runs it, and writes down who did what, whatever came of it. */
async function recorded(command: AdminCommand, values: FormValues, request: CommandRequest, recording: Recording): Promise<CommandOutcome> {
  let outcome = 'done'
  try {
    return (await command.act(values, request)) ?? {}
  } catch (error) {
    outcome = error instanceof StanzaError ? error.condition : 'failed'
    throw error
  } finally {
    if (!command.isHarmless) await record(command, values, request, outcome, recording)
  }
}

/** The act is done by then: an entry that cannot be written is logged whole, and the answer still given. */
async function record({ name }: AdminCommand, values: FormValues, { user }: CommandRequest, outcome: string, recording: Recording): Promise<void> {
  const { audit, log, domain } = recording
  const administrator = user.domain === domain.domain ? user.local : user.bare().toString()
  const summary = `XMPP ${name} → ${outcome}`
  const given = Object.fromEntries(values.names().map((field) => [field, SECRET.test(field) ? '(redacted)' : values.values(field)]))
  const details = JSON.stringify({ jid: user.toString(), fields: given })
  try {
    await audit.record({ administrator, summary, details })
  } catch (error) {
    log.error({ administrator, summary, details, error }, 'an administrative act could not be written to the audit log')
  }
}

/** A result of these fields. */
export function result(...fields: readonly FormField[]): CommandOutcome {
  return { result: resultForm({ formType: NS.admin, fields }) }
}
