/** Announcements, the message of the day, the welcome message (XEP-0133 §4.23 to §4.28). */
import { type FormField, type FormValues, StanzaError } from '@beaconfire/plugin-sdk'
import type { AdminCommand } from './admin-command.js'
import type { Announcements } from './announcements.js'
import type { StandingMessages } from './standing-messages.js'

/** Characters: what is kept fits its column on every engine. */
const LONGEST_TEXT = 10_000

export function messageCommands(messages: StandingMessages, announcements: Announcements): AdminCommand[] {
  const motdField = (value?: string): FormField => ({ name: 'motd', type: 'text-multi', label: 'Message of the Day', required: true, value })
  return [
    {
      name: 'announce',
      title: 'Send an announcement to online users',
      fields: [{ name: 'announcement', type: 'text-multi', label: 'Announcement', required: true }],
      async act(values) {
        await announcements.toAll('Announcement', textOf(values, 'announcement'))
      },
    },
    {
      name: 'set-motd',
      title: 'Set the message of the day',
      fields: [motdField()],
      async act(values) {
        await messages.setMotd(textOf(values, 'motd'), true)
        await announcements.showMotdToAll()
      },
    },
    {
      name: 'edit-motd',
      title: 'Edit the message of the day',
      instructions: 'Who has seen it is not shown the new text.',
      fields: () => {
        if (messages.motd === undefined) throw noMotd()
        return [motdField(messages.motd)]
      },
      async act(values) {
        if (messages.motd === undefined) throw noMotd()
        await messages.setMotd(textOf(values, 'motd'), false)
      },
    },
    { name: 'delete-motd', title: 'Delete the message of the day', act: () => messages.deleteMotd() },
    {
      name: 'set-welcome',
      title: 'Set the welcome message',
      instructions: 'New accounts get it when they first log in.',
      fields: () => [{ name: 'welcome', type: 'text-multi', label: 'Welcome message', required: true, value: messages.welcome }],
      act: (values) => messages.setWelcome(textOf(values, 'welcome')),
    },
    { name: 'delete-welcome', title: 'Delete the welcome message', act: () => messages.setWelcome(undefined) },
  ]
}

/** @throws StanzaError not-acceptable when it is too long */
function textOf(values: FormValues, name: string): string {
  const text = values.text(name)
  if (text.length > LONGEST_TEXT) throw new StanzaError('not-acceptable', { text: `A message has at most ${LONGEST_TEXT} characters.` })
  return text
}

function noMotd(): StanzaError {
  return new StanzaError('item-not-found', { text: 'There is no message of the day.' })
}
