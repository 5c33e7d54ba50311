/** Accounts by in-band registration (XEP-0077), and contacts of user 0 by subscriptions both ways. */
import { setTimeout as sleep } from 'node:timers/promises'
import { attributeOf, type ClientConnection } from '../client-connection.js'
import { type Crowd, eachOf, range } from '../crowd.js'
import type { ProvisionWorkload } from '../request.js'
import type { WorkloadContext, WorkloadOutcome } from './context.js'

/** Contacts that ask at a time: servers refuse more requests than they keep for an answer. */
const ASKING = 200
/** Subscriptions are looked at this often, this many times. */
const POLL_MS = 100
const POLLS = 200

export async function provision(work: ProvisionWorkload, { crowd, meter, progress }: WorkloadContext): Promise<WorkloadOutcome> {
  const start = await meter.begin()
  if (work.register) {
    progress(`registering ${work.accounts} accounts`)
    await eachOf(range(0, work.accounts), work.concurrency, (index) => crowd.register(index))
  }
  progress('learning SCRAM keys')
  await crowd.learnKeys(range(0, work.accounts))
  if (work.contacts > 0) {
    progress(`subscribing ${work.contacts} contacts`)
    await subscribe(crowd, work.contacts)
  }
  await meter.end('', work.accounts, start)
  return {}
}

/** Does only what is missing. @throws when the subscriptions do not come about */
async function subscribe(crowd: Crowd, contacts: number): Promise<void> {
  const [user] = await crowd.sessions([0])
  if (!user) return
  const before = await mutualContacts(user)
  const missing = range(1, contacts).filter((index) => !before.has(crowd.bare(index)))
  user.handler = (stanza) => accept(stanza, user)
  for (let from = 0; from < missing.length; from += ASKING) {
    const asking = missing.slice(from, from + ASKING)
    await eachOf(asking, 20, async (index) => {
      const contact = crowd.connection(index)
      contact.handler = (stanza) => accept(stanza, contact)
      await crowd.logIn(contact)
      contact.send(`<presence type='subscribe' to='${crowd.bare(0)}'/>`)
      user.send(`<presence type='subscribe' to='${crowd.bare(index)}'/>`)
    })
    await untilMutual(
      user,
      asking.map((index) => crowd.bare(index)),
    )
  }
}

async function untilMutual(user: ClientConnection, contacts: readonly string[]): Promise<void> {
  for (let poll = 0; poll < POLLS; poll++) {
    const now = await mutualContacts(user)
    if (contacts.every((it) => now.has(it))) return
    await sleep(POLL_MS)
  }
  throw new Error('not all subscriptions came to be mutual')
}

function accept(stanza: string, connection: ClientConnection): void {
  if (!stanza.startsWith('<presence') || attributeOf(stanza, 'type') !== 'subscribe') return
  const from = attributeOf(stanza, 'from')?.split('/', 1)[0]
  connection.send(`<presence type='subscribed' to='${from}'/>`)
}

async function mutualContacts(user: ClientConnection): Promise<Set<string>> {
  const roster = await user.iq('get', "<query xmlns='jabber:iq:roster'/>")
  const mutual = new Set<string>()
  for (const [item] of roster.matchAll(/<item\s[^>]*>/g)) {
    const jid = attributeOf(item, 'jid')
    if (jid && attributeOf(item, 'subscription') === 'both') mutual.add(jid)
  }
  return mutual
}
