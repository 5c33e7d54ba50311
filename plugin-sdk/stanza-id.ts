/**
 * Stanza ids (XEP-0359): each account that takes a message has an id for it, the same for all of its resources, for copies and for what is
 * kept. It is asked for when an account takes the message, not before: a message that is refused gets none, and what goes back to its
 * sender tells nothing of the recipient.
 */
import { element } from './element.js'
import type { Holder } from './hooks.js'
import type { Jid } from './jid.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'
import { NS } from './namespaces.js'
import type { RoutedNotes } from './packet-interceptor.js'
import type { Message } from './stanza.js'

/** Gives messages their ids: an archive, which files the message by the way. */
export interface StanzaIdGiver {
  /**
   * Asked once for each routed message and account, when the account sends the message, or takes it.
   * @param account bare JID of a local account: the sender's or the recipient's
   * @returns undefined when the message gets no id there
   */
  idFor(message: Message, account: Jid, holder: Holder): MaybePromise<string | undefined>
}

const GIVER = Symbol('stanza ids: giver')
const GIVEN = Symbol('stanza ids: given')

interface Given {
  readonly account: Jid
  id: MaybePromise<string | undefined>
}

/** From now on `giver` is asked for the ids of this routed message. The last one who offers is asked; see `StanzaIdService`. */
export function offerStanzaIds(routed: RoutedNotes, giver: StanzaIdGiver): void {
  routed[GIVER] = giver
}

export function areStanzaIdsOffered(routed: RoutedNotes): boolean {
  return routed[GIVER] !== undefined
}

/**
 * For whoever hands the message to a resource of `account`, or keeps it for the account: its id there, the same whoever asks.
 * @param message as the account gets it
 * @param routed of the crossing; in a hook the message itself
 * @returns undefined when there is none, as for what did not pass the incoming chain
 */
export function takeStanzaId(message: Message, routed: RoutedNotes, account: Jid, holder: Holder): MaybePromise<string | undefined> {
  const giver = routed[GIVER] as StanzaIdGiver | undefined
  if (!giver) return undefined
  routed[GIVEN] ??= []
  const all = routed[GIVEN] as Given[]
  for (const it of all) if (it.account.equals(account)) return it.id
  const given: Given = { account, id: giver.idFor(message, account, holder) }
  all.push(given)
  if (isPromise(given.id)) {
    const settle = (id?: string) => {
      given.id = id
    }
    given.id.then(settle, () => settle())
  }
  return given.id
}

/** The id that `account` has for this routed message, once it has taken it. */
export function givenStanzaId(routed: RoutedNotes, account: Jid): string | undefined {
  const given = (routed[GIVEN] as readonly Given[] | undefined)?.find((it) => it.account.equals(account))
  return typeof given?.id === 'string' ? given.id : undefined
}

/** `<stanza-id/>` (XEP-0359 §3.1). @param by bare JID of the account */
export function stanzaIdElement(by: Jid, id: string) {
  return element('stanza-id', { xmlns: NS.stanzaIds, by: by.toString(), id })
}

/** Puts `<stanza-id/>` into a message, as {@link stanzaIdElement} has it. */
export function stampStanzaId(message: Message, by: Jid, id: string): Message {
  return message.appendLeaf('stanza-id', NS.stanzaIds, { by: by.toString(), id })
}
