/** What was found (XEP-0055 §2.1, §3): as plain items or as data form, with its page (XEP-0059). */
import { type Element, element, type FormTable, NS, resultForm } from '@beaconfire/plugin-sdk'
import type { Entry } from './directory.js'

/** @param set `<set/>` of the page, where one was asked for */
export function searchResult(entries: readonly Entry[], byForm: boolean, set: Element | undefined): Element {
  const found = byForm ? [resultForm({ formType: NS.search, title: 'User search', fields: [] }, table(entries))] : entries.map(plainItem)
  return element('query', { xmlns: NS.search }, ...found, set)
}

/** §4: the last word of a name is the family's; the schema wants all four. */
function plainItem({ jid, username, name, email }: Entry): Element {
  const border = name.trim().lastIndexOf(' ')
  const [first, last] = border < 0 ? [name, ''] : [name.slice(0, border), name.slice(border + 1)]
  return element(
    'item',
    { jid: jid.toString() },
    ...Object.entries({ first, last, nick: username, email }).map(([field, value]) => element(field, {}, value !== '' && value)),
  )
}

function table(entries: readonly Entry[]): FormTable {
  return {
    columns: [
      { name: 'jid', type: 'jid-single', label: 'JID' },
      { name: 'Username', type: 'text-single', label: 'Username' },
      { name: 'Name', type: 'text-single', label: 'Name' },
      { name: 'Email', type: 'text-single', label: 'E-mail' },
    ],
    rows: entries.map(({ jid, username, name, email }) => ({ jid, Username: username, Name: name, Email: email })),
  }
}
