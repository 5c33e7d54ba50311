/** What can be looked for (XEP-0055 §2.1, §3): as plain fields and as data form, written and read back. */
import {
  checkForm,
  childElements,
  type Element,
  element,
  type FormField,
  findForm,
  formElement,
  NS,
  namespaceOf,
  readForm,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { SearchField, Term } from './directory.js'

const INSTRUCTIONS = 'Look for people by part of their username, name or e-mail address.'
/** Characters of one thing that is looked for. */
const LONGEST_TEXT = 100

/** The fields of the XEP, with where they are looked for: an account has one name, which is first, last and nick at once. */
const PLAIN_FIELDS: Readonly<Record<string, readonly SearchField[]>> = {
  first: ['name'],
  last: ['name'],
  nick: ['username', 'name'],
  email: ['email'],
}
/** Names of the boolean fields, as Openfire's form has them. */
const CHOICES: Readonly<Record<string, SearchField>> = { Username: 'username', Name: 'name', Email: 'email' }

const formFields: readonly FormField[] = [
  { name: 'search', type: 'text-single', label: 'Look for' },
  { name: 'Username', type: 'boolean', label: 'Username', value: true },
  { name: 'Name', type: 'boolean', label: 'Name', value: true },
  { name: 'Email', type: 'boolean', label: 'E-mail', value: true },
  { name: 'first', type: 'text-single', label: 'Given name' },
  { name: 'last', type: 'text-single', label: 'Family name' },
  { name: 'nick', type: 'text-single', label: 'Nickname' },
  { name: 'email', type: 'text-single', label: 'E-mail address' },
]

/** Clients have `search` filled in, as with Openfire's form, instead of sending an empty one; an answer may do with another field. */
const shownFields = formFields.map((field) => (field.name === 'search' ? { ...field, required: true } : field))

/** The answer to a get. */
export function searchForm(): Element {
  return element(
    'query',
    { xmlns: NS.search },
    element('instructions', {}, INSTRUCTIONS),
    ...Object.keys(PLAIN_FIELDS).map((name) => element(name)),
    formElement({ formType: NS.search, title: 'User search', instructions: INSTRUCTIONS, fields: shownFields }),
  )
}

export interface SearchRequest {
  readonly terms: readonly Term[]
  /** The answer is to be a form as well. */
  readonly byForm: boolean
}

/** @throws StanzaError bad-request for a form that is none, not-acceptable when nothing, or too much, is looked for */
export function readSearch(query: Element): SearchRequest {
  const form = findForm(query)
  const terms = form ? formTerms(form) : plainTerms(query)
  if (terms.length === 0) throw new StanzaError('not-acceptable', { text: 'Say what to look for.' })
  if (terms.some(({ text }) => text.length > LONGEST_TEXT)) {
    throw new StanzaError('not-acceptable', { text: `What is looked for has at most ${LONGEST_TEXT} characters.` })
  }
  return { terms, byForm: form !== undefined }
}

function plainTerms(query: Element): Term[] {
  const given = new Map<string, string>()
  for (const child of childElements(query)) {
    if (namespaceOf(child) !== NS.search) continue
    const name = child.getName()
    if (given.has(name)) throw new StanzaError('bad-request', { text: 'A field is given twice.' })
    given.set(name, child.getText())
  }
  return termsOf((name) => given.get(name))
}

function formTerms(form: Element): Term[] {
  const values = checkForm(formFields, readForm(form, NS.search))
  const text = wanted(values.value('search'))
  // Whoever names none of them looks in all; whoever refuses all of them looks in none.
  const isSaid = Object.keys(CHOICES).some((name) => values.flag(name) !== undefined)
  const fields = Object.entries(CHOICES).flatMap(([name, field]) => (isSaid && values.flag(name) !== true ? [] : field))
  const own = termsOf((name) => values.value(name))
  return text === undefined || fields.length === 0 ? own : [{ fields, text }, ...own]
}

function termsOf(given: (name: string) => string | undefined): Term[] {
  return Object.entries(PLAIN_FIELDS).flatMap(([name, fields]) => {
    const text = wanted(given(name))
    return text === undefined ? [] : { fields, text }
  })
}

/** Parts are looked for anyway, so that stars around them say nothing; one star alone is everybody. */
function wanted(text: string | undefined): string | undefined {
  const trimmed = text?.trim()
  if (!trimmed) return undefined
  let [start, end] = [0, trimmed.length]
  while (start < end && trimmed[start] === '*') start++
  while (end > start && trimmed[end - 1] === '*') end--
  return trimmed.slice(start, end).trim()
}
