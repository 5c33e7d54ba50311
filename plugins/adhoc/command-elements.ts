/** `<command/>` as it is answered, and the errors of XEP-0050 §4.4. */
import {
  type CommandNote,
  type CommandOutcome,
  type CommandStage,
  type Element,
  element,
  formElement,
  NS,
  StanzaError,
  type StanzaErrorCondition,
} from '@beaconfire/plugin-sdk'
import type { CommandSession } from './command-sessions.js'

/** The stage that waits, with what may be done about it. */
export function executing({ id, command, stages }: CommandSession): Element {
  const stage = stages.at(-1) as CommandStage
  const onward = onwardAction(stage)
  return element(
    'command',
    { xmlns: NS.commands, node: command.node, sessionid: id, status: 'executing' },
    element('actions', { execute: onward }, stages.length > 1 && element('prev'), element(onward)),
    ...noteElements(stage.notes),
    formElement(stage.form),
  )
}

export function completed(node: string, sessionId: string, { notes, result }: CommandOutcome): Element {
  return element('command', { xmlns: NS.commands, node, sessionid: sessionId, status: 'completed' }, ...noteElements(notes), result)
}

export function canceled(node: string, sessionId: string): Element {
  return element('command', { xmlns: NS.commands, node, sessionid: sessionId, status: 'canceled' })
}

/** What `execute` means at a stage (§3.4). */
export function onwardAction(stage: CommandStage): 'next' | 'complete' {
  return stage.isLast === false ? 'next' : 'complete'
}

function noteElements(notes: readonly CommandNote[] = []): Element[] {
  return notes.map(({ type, text }) => element('note', { type: type ?? 'info' }, text))
}

type SpecificCondition = 'bad-action' | 'bad-payload' | 'bad-sessionid' | 'malformed-action' | 'session-expired'

export function commandError(specific: SpecificCondition, text?: string): StanzaError {
  const condition: StanzaErrorCondition = specific === 'session-expired' ? 'not-allowed' : 'bad-request'
  return new StanzaError(condition, { text, extension: element(specific, { xmlns: NS.commands }) })
}
