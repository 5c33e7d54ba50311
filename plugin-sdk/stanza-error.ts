/** Stanza errors (RFC 6120 §8.3): thrown by handlers, turned into error replies by core alone. */
import { type Element, element } from './element.js'
import { NS } from './namespaces.js'

export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** Defined conditions with the type that RFC 6120 §8.3.3 gives them. */
const DEFAULT_TYPES = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const satisfies Record<string, StanzaErrorType>

export type StanzaErrorCondition = keyof typeof DEFAULT_TYPES

export interface StanzaErrorDetails {
  /** Human-readable, sent to the peer: never put in it what the peer may not know. */
  readonly text?: string
  /** Overrides the type that RFC 6120 gives the condition. */
  readonly type?: StanzaErrorType | undefined
  /** Application-specific condition (RFC 6120 §8.3.4), in a namespace of its own. */
  readonly extension?: Element | undefined
  /** The number that protocols older than XMPP want in `code` (XEP-0086). */
  readonly legacyCode?: number | undefined
}

/** An expected refusal. Throw it from a handler or hook: core answers the sender with it. */
export class StanzaError extends Error {
  override readonly name = 'StanzaError'
  readonly condition: StanzaErrorCondition
  readonly type: StanzaErrorType
  readonly text: string | undefined
  readonly extension: Element | undefined
  readonly legacyCode: number | undefined

  constructor(condition: StanzaErrorCondition, details: StanzaErrorDetails = {}) {
    super(details.text ? `${condition}: ${details.text}` : condition)
    this.condition = condition
    this.type = details.type ?? DEFAULT_TYPES[condition]
    this.text = details.text
    this.extension = details.extension
    this.legacyCode = details.legacyCode
  }

  /** The `<error/>` child of an error stanza. */
  toElement(): Element {
    return element(
      'error',
      this.legacyCode === undefined ? { type: this.type } : { code: String(this.legacyCode), type: this.type },
      element(this.condition, { xmlns: NS.stanzaErrors }),
      this.text !== undefined && element('text', { xmlns: NS.stanzaErrors, 'xml:lang': 'en' }, this.text),
      this.extension,
    )
  }
}
