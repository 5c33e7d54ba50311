/** The registration form (XEP-0077 §3.1) as plain fields and as data form (XEP-0004): written, and read back. */
import {
  childElements,
  type Element,
  element,
  type FormField,
  findForm,
  formElement as formDescribed,
  NS,
  namespaceOf,
  readForm as readFormValues,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { RegisterConfig } from './config.js'

type FormConfig = Pick<RegisterConfig, 'fields' | 'requiredFields' | 'instructions'>
/** Field names with what was filled in, or with what is filled in already. */
export type FieldValues = ReadonlyMap<string, string>

/** Longest name and e-mail that the account's columns hold (openfire.md §3.1), and bound for every other field. */
const LONGEST_VALUE = 100
/** RFC 8265 §4.1: an OpaqueString of a password is at most 1023 bytes. */
const LONGEST_PASSWORD = 1023

const LABELS: Readonly<Record<string, string>> = { username: 'Username', password: 'Password', name: 'Full name', email: 'E-mail' }

/** The answer to a get. @param account values of a registered user, whose form says `<registered/>` */
export function formElement(config: FormConfig, account?: FieldValues): Element {
  const names = ['username', 'password', ...config.fields]
  return element(
    'query',
    { xmlns: NS.register },
    account && element('registered'),
    element('instructions', {}, config.instructions),
    ...names.map((name) => element(name, {}, account?.get(name))),
    dataForm(names, config, account),
  )
}

function dataForm(names: readonly string[], config: FormConfig, account: FieldValues | undefined): Element {
  const field = (name: string): FormField => ({
    name,
    type: name === 'password' ? 'text-private' : 'text-single',
    label: LABELS[name] ?? name,
    required: name === 'username' || name === 'password' || config.requiredFields.some((it) => it === name),
    value: account?.get(name),
  })
  return formDescribed({ formType: NS.register, title: 'Registration', instructions: config.instructions, fields: names.map(field) })
}

/**
 * What a client filled in: the submitted data form when there is one, else the plain fields. Fields nobody asked for are
 * in it too; whoever reads it takes those it knows.
 * @throws StanzaError bad-request for a data form that is no submitted registration form
 */
export function readForm(query: Element): FieldValues {
  const form = findForm(query)
  return form ? readDataForm(form) : readPlainFields(query)
}

function readPlainFields(query: Element): FieldValues {
  const values = new Map<string, string>()
  for (const child of childElements(query)) {
    if (namespaceOf(child) === NS.register) values.set(child.getName(), child.getText())
  }
  return values
}

function readDataForm(form: Element): FieldValues {
  const values = readFormValues(form, NS.register)
  return new Map(values.names().map((name) => [name, values.value(name) ?? '']))
}

/**
 * The value of a field the form asks for.
 * @throws StanzaError not-acceptable when it is empty or too long
 */
export function requiredValue(values: FieldValues, name: string): string {
  const value = optionalValue(values, name)
  if (value === undefined) throw new StanzaError('not-acceptable', { text: `The field "${name}" must not be empty.` })
  return value
}

/** @returns undefined when it is missing or blank @throws StanzaError not-acceptable when it is too long */
export function optionalValue(values: FieldValues, name: string): string | undefined {
  const value = values.get(name)
  if (value === undefined || value.trim() === '') return undefined
  const longest = name === 'password' ? LONGEST_PASSWORD : LONGEST_VALUE
  // A username's length is the address's business: too long a one is a malformed JID, not an unacceptable field.
  if (name !== 'username' && value.length > longest) {
    throw new StanzaError('not-acceptable', { text: `The field "${name}" is longer than ${longest} characters.` })
  }
  return value
}
