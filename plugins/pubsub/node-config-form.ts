/** Node configuration as a data form: for owners, for creation, and as the preconditions of publishing (XEP-0060 §7.1.5, §8.2). */
import { type Element, Jid, NS, StanzaError } from '@beaconfire/plugin-sdk'
import { dataForm, type FieldType, formField, parseBoolean, type SubmittedForm } from './forms.js'
import {
  ACCESS_MODELS,
  type AccessModel,
  ITEM_REPLIES,
  NOTIFICATION_TYPES,
  type NodeConfig,
  PUBLISH_MODELS,
  SEND_LAST,
  WHEN_FULL,
} from './node-config.js'
import { pubsubError } from './pubsub-errors.js'

/** What a node may be at most. */
export interface ConfigLimits {
  readonly maxItems: number
  readonly maxPayloadBytes: number
  readonly accessModels: readonly AccessModel[]
}

interface Field {
  readonly key: keyof NodeConfig
  readonly type: FieldType
  readonly label: string
  /** An empty one was not answered. */
  readonly mustSay?: boolean
  options?(limits: ConfigLimits): readonly string[]
  /** @returns undefined when the value is none for this field */
  parse(values: readonly string[], limits: ConfigLimits): { readonly value: unknown } | undefined
  format?(value: never): readonly string[]
}

/** Characters of Openfire's columns. */
const LONGEST = { title: 255, description: 255, type: 100, language: 255 } as const
const MOST_GROUPS = 100
const DIGITS = /^\d{1,9}$/

function textField(key: keyof typeof LONGEST, label: string): Field {
  return {
    key,
    type: 'text-single',
    label,
    parse: ([text = '']) => (text.length <= LONGEST[key] ? { value: text || undefined } : undefined),
  }
}

function booleanField(key: keyof NodeConfig, label: string): Field {
  const parse = ([text]: readonly string[]) => {
    const value = parseBoolean(text)
    return value === undefined ? undefined : { value }
  }
  return { key, type: 'boolean', label, mustSay: true, parse, format: (value: boolean) => [value ? '1' : '0'] }
}

function choiceField(key: keyof NodeConfig, label: string, options: readonly string[]): Field {
  return {
    key,
    type: 'list-single',
    label,
    mustSay: true,
    options: () => options,
    parse: ([text = '']) => (options.includes(text) ? { value: text } : undefined),
  }
}

function numberField(key: keyof NodeConfig, label: string, most: (limits: ConfigLimits) => number): Field {
  return {
    key,
    type: 'text-single',
    label,
    mustSay: true,
    parse([text = ''], limits) {
      if (text === 'max') return { value: key === 'maxPayloadSize' ? most(limits) : 'max' }
      return DIGITS.test(text) && Number(text) >= 1 && Number(text) <= most(limits) ? { value: Number(text) } : undefined
    },
    format: (value: number | string) => [String(value)],
  }
}

const FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  ['pubsub#title', textField('title', 'Name of the node')],
  ['pubsub#description', textField('description', 'Description of the node')],
  ['pubsub#type', textField('type', 'Namespace of the payloads')],
  ['pubsub#language', textField('language', 'Language of the node')],
  [
    'pubsub#access_model',
    {
      key: 'accessModel',
      type: 'list-single',
      label: 'Who may subscribe and retrieve items',
      mustSay: true,
      options: (limits) => limits.accessModels,
      parse([text = ''], { accessModels }) {
        if (accessModels.includes(text as AccessModel)) return { value: text }
        if ((ACCESS_MODELS as readonly string[]).includes(text)) throw pubsubError('not-acceptable', 'unsupported-access-model')
        return undefined
      },
    },
  ],
  [
    'pubsub#roster_groups_allowed',
    {
      key: 'rosterGroups',
      type: 'list-multi',
      label: 'Roster groups that may subscribe and retrieve items',
      parse: (values) => (values.length <= MOST_GROUPS && values.every((it) => it.length <= 100) ? { value: values } : undefined),
      format: (value: readonly string[]) => value,
    },
  ],
  ['pubsub#publish_model', choiceField('publishModel', 'Who may publish', PUBLISH_MODELS)],
  ['pubsub#persist_items', booleanField('persistItems', 'Keep items')],
  ['pubsub#max_items', numberField('maxItems', 'Items to keep', (limits) => limits.maxItems)],
  ['pubsub#publish_node_full', choiceField('whenFull', 'What becomes of one item more', WHEN_FULL)],
  ['pubsub#item_expire', numberField('itemExpire', 'Seconds after which items are removed', () => 999_999_999)],
  ['pubsub#max_payload_size', numberField('maxPayloadSize', 'Largest payload, in bytes', (limits) => limits.maxPayloadBytes)],
  ['pubsub#deliver_notifications', booleanField('deliverNotifications', 'Send event notifications')],
  ['pubsub#deliver_payloads', booleanField('deliverPayloads', 'Send payloads with event notifications')],
  ['pubsub#notification_type', choiceField('notificationType', 'Type of the messages that notify', NOTIFICATION_TYPES)],
  ['pubsub#notify_config', booleanField('notifyConfig', 'Notify subscribers when the configuration changes')],
  ['pubsub#notify_delete', booleanField('notifyDelete', 'Notify subscribers when the node is deleted')],
  ['pubsub#notify_retract', booleanField('notifyRetract', 'Notify subscribers when items are removed')],
  ['pubsub#presence_based_delivery', booleanField('presenceBasedDelivery', 'Notify available users only')],
  ['pubsub#send_last_published_item', choiceField('sendLast', 'When to send the last published item', SEND_LAST)],
  ['pubsub#subscribe', booleanField('subscriptionsAllowed', 'Allow subscriptions')],
  ['pubsub#itemreply', choiceField('itemReply', 'Whose address stands on items, for replies', ITEM_REPLIES)],
  [
    'pubsub#contact',
    {
      key: 'contacts',
      type: 'jid-multi',
      label: 'Whom to ask about the node',
      parse: (values) => (values.length <= MOST_GROUPS && values.every(isStorableJid) ? { value: values } : undefined),
      format: (value: readonly string[]) => value,
    },
  ],
])

/** A field that may be sent, and says nothing but what is so anyway. */
const NODE_TYPE = 'pubsub#node_type'

/** The form an owner fills in (§8.2.2), or the defaults (§8.3.2). */
export function configForm(config: NodeConfig, limits: ConfigLimits): Element {
  const fields = [...FIELDS].map(([name, field]) =>
    formField(name, field.type, valuesOf(config, field), { label: field.label, ...(field.options && { options: field.options(limits) }) }),
  )
  return dataForm('form', NS.pubsubNodeConfig, fields)
}

/** The configuration as it is told to subscribers (§8.2.5.3), and as metadata with `formType` `…#meta-data`. */
export function configResult(config: NodeConfig, formType: string, more: readonly Element[] = []): Element {
  const fields = [...FIELDS].flatMap(([name, field]) => {
    const values = valuesOf(config, field)
    return values.length === 0 ? [] : [formField(name, field.type, values, { label: field.label })]
  })
  return dataForm('result', formType, [...more, ...fields])
}

/**
 * The configuration with the form's fields laid over it; what the form leaves out stays (XEP-0004 §3.2).
 * @throws StanzaError not-acceptable for a value that is none, or a field nobody knows; `unsupported-access-model`
 */
export function submittedConfig(base: NodeConfig, form: SubmittedForm, limits: ConfigLimits): NodeConfig {
  return { ...base, ...submittedChanges(form, limits) }
}

/** Publishing options (§7.1.5) are preconditions. @throws StanzaError conflict with precondition-not-met, and what {@link submittedConfig} throws */
export function assertPreconditions(config: NodeConfig, form: SubmittedForm, limits: ConfigLimits): void {
  const wanted = submittedChanges(form, limits)
  for (const key of Object.keys(wanted) as (keyof NodeConfig)[]) {
    if (!isSame(wanted[key], config[key])) throw pubsubError('conflict', 'precondition-not-met')
  }
}

function submittedChanges(form: SubmittedForm, limits: ConfigLimits): Partial<NodeConfig> {
  const changes: Partial<Record<keyof NodeConfig, unknown>> = {}
  for (const [name, values] of form.fields) {
    if (name === NODE_TYPE && values.length === 1 && values[0] === 'leaf') continue
    const field = FIELDS.get(name)
    // Clients send the whole form back: what they left empty where something has to be said was not answered.
    if (field?.mustSay && values.every((it) => it === '')) continue
    const parsed = field?.parse(values, limits)
    if (!field || !parsed) throw new StanzaError('not-acceptable', { text: `The field ${shown(name)} is unknown, or its value is not allowed.` })
    changes[field.key] = parsed.value
  }
  return changes as Partial<NodeConfig>
}

function valuesOf(config: NodeConfig, { key, format }: Field): readonly string[] {
  const value = config[key]
  if (value === undefined) return []
  return format ? format(value as never) : [String(value)]
}

function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((it) => b.includes(it))
  return a === b
}

function isStorableJid(text: string): boolean {
  return text.length <= 255 && Jid.tryParse(text) !== undefined
}

/** A name from a peer, in a text for that peer. */
function shown(name: string): string {
  return name.slice(0, 60)
}
