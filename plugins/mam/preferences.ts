/** What an account wants archived (XEP-0441): the element, and what it means for a message. */
import {
  childElements,
  type Element,
  element,
  findChild,
  Jid,
  type MaybePromise,
  NS,
  namespaceOf,
  type RosterService,
  StanzaError,
  whenDone,
} from '@beaconfire/plugin-sdk'

const BEHAVIORS = ['always', 'never', 'roster'] as const
export type Behavior = (typeof BEHAVIORS)[number]

export interface Preferences {
  /** For those on neither list. */
  readonly behavior: Behavior
  readonly always: readonly Jid[]
  readonly never: readonly Jid[]
}

/** In both lists together. */
export const MOST_JIDS = 1000

export function isBehavior(text: unknown): text is Behavior {
  return BEHAVIORS.some((it) => it === text)
}

/** @param contact the other side of a message of this user */
export function wants({ behavior, always, never }: Preferences, user: Jid, contact: Jid, roster: RosterService): MaybePromise<boolean> {
  if (never.some((it) => matches(it, contact))) return false
  if (always.some((it) => matches(it, contact))) return true
  if (behavior !== 'roster') return behavior === 'always'
  return whenDone(roster.item(user, contact.bare()), (item) => item?.listed ?? false)
}

/** §2.3.1: a bare JID stands for all of its resources. */
function matches(listed: Jid, contact: Jid): boolean {
  return listed.equals(listed.isBare ? contact.bare() : contact)
}

export function preferencesElement({ behavior, always, never }: Preferences): Element {
  const list = (name: string, jids: readonly Jid[]) => element(name, {}, ...jids.map((jid) => element('jid', {}, jid.toString())))
  return element('prefs', { xmlns: NS.mam, default: behavior }, list('always', always), list('never', never))
}

/** @throws StanzaError bad-request, jid-malformed, policy-violation */
export function readPreferences(prefs: Element): Preferences {
  const behavior: unknown = prefs.attrs.default
  if (!isBehavior(behavior)) throw new StanzaError('bad-request', { text: 'The default is one of always, never and roster.' })
  const preferences = { behavior, always: readList(prefs, 'always'), never: readList(prefs, 'never') }
  if (preferences.always.length + preferences.never.length > MOST_JIDS) {
    throw new StanzaError('policy-violation', { text: `At most ${MOST_JIDS} addresses.` })
  }
  return preferences
}

function readList(prefs: Element, name: string): Jid[] {
  const list = findChild(prefs, name)
  if (!list) return []
  if (childElements(prefs).filter((it) => it.getName() === name && namespaceOf(it) === NS.mam).length > 1) {
    throw new StanzaError('bad-request', { text: `There are several lists "${name}".` })
  }
  const jids = childElements(list).map(readJid)
  return [...new Map(jids.map((jid) => [jid.toString(), jid])).values()]
}

function readJid(el: Element): Jid {
  if (el.getName() !== 'jid' || namespaceOf(el) !== NS.mam) throw new StanzaError('bad-request', { text: 'A list holds addresses alone.' })
  const jid = Jid.tryParse(el.getText().trim())
  if (!jid) throw new StanzaError('jid-malformed')
  return jid
}
