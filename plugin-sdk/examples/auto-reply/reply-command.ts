/** The ad-hoc command (XEP-0050) by which people say that they are away, from any client. */
import { type Command, isXmlText, StanzaError } from '@beaconfire/plugin-sdk'
import type { Replies } from './replies.js'

export const NODE = 'urn:beaconfire:auto-reply'

export function replyCommand(replies: Replies, longestText: number): Command {
  return {
    node: NODE,
    name: 'Reply when away',
    allowed: 'users',
    execute: ({ user }) => ({
      form: {
        formType: NODE,
        title: 'Reply when away',
        instructions: 'Who writes to you while you are away is told this. Leave it empty for no reply.',
        fields: [{ name: 'text', type: 'text-multi', label: 'Reply', value: replies.of(user.local)?.text.split('\n') ?? [] }],
      },
      async submit(values) {
        const text = values.text('text').trim()
        if (text.length > longestText || !isXmlText(text)) {
          throw new StanzaError('bad-request', { text: `The reply may have ${longestText} characters.` })
        }
        if (text === '') await replies.remove(user.local)
        else await replies.set(user.local, text)
        return { notes: [{ text: text === '' ? 'Nobody gets a reply now.' : 'The reply is set.' }] }
      },
    }),
  }
}
