/** Data forms (XEP-0004), with the hidden FORM_TYPE of XEP-0068: written from a description, read back, and checked against it. */
import { childElements, type Element, element, findChild, namespaceOf } from './element.js'
import { Jid } from './jid.js'
import { NS } from './namespaces.js'
import { StanzaError } from './stanza-error.js'

export type FormFieldType =
  | 'boolean'
  | 'fixed'
  | 'hidden'
  | 'jid-multi'
  | 'jid-single'
  | 'list-multi'
  | 'list-single'
  | 'text-multi'
  | 'text-private'
  | 'text-single'

/** What a field holds. A boolean is written as 1 or 0; a text of several lines becomes several values where the type allows them. */
export type FormFieldValue = string | number | boolean | Jid | readonly (string | Jid)[]

export interface FormOption {
  readonly value: string
  readonly label?: string
}

export interface FormField {
  /** Undefined for text that only describes (`fixed`). */
  readonly name?: string
  /** `text-single` unless given. */
  readonly type?: FormFieldType
  readonly label?: string
  readonly description?: string
  readonly required?: boolean
  /** What it holds when nobody changes it. */
  readonly value?: FormFieldValue | undefined
  readonly options?: readonly FormOption[]
  /** XEP-0122: other values than the options may be given too. */
  readonly open?: boolean
}

export interface FormDescription {
  /** XEP-0068: what the field names mean. */
  readonly formType?: string
  readonly title?: string
  readonly instructions?: string
  readonly fields: readonly FormField[]
}

/** Rows of a result, under headings (XEP-0004 §3.4). */
export interface FormTable {
  readonly columns: readonly FormField[]
  readonly rows: readonly Readonly<Record<string, FormFieldValue | undefined>>[]
}

/** A form to fill in. */
export function formElement(form: FormDescription): Element {
  return dataForm('form', form, form.fields.map(fieldElement))
}

/** A form as somebody filled it in, or a form that carries options beside a request. */
export function submittedForm(form: Pick<FormDescription, 'formType' | 'fields'>): Element {
  return dataForm(
    'submit',
    form,
    form.fields.map(({ name, type, value }) => valueElement(name, type, value)),
  )
}

/** What was found out or done: fields, and rows where there is a table. Fields keep type and label, so that a client can show them. */
export function resultForm(form: FormDescription, table?: FormTable): Element {
  const fields = form.fields.map(({ name, type, label, value }) => fieldElement({ name, type, label, value }))
  return dataForm('result', form, [...fields, ...(table ? tableElements(table) : [])])
}

function dataForm(type: string, { formType, title, instructions }: Partial<FormDescription>, content: readonly Element[]): Element {
  return element(
    'x',
    { xmlns: NS.dataForm, type },
    title !== undefined && element('title', {}, title),
    ...(instructions?.split('\n').map((line) => element('instructions', {}, line)) ?? []),
    formType !== undefined && element('field', { type: 'hidden', var: 'FORM_TYPE' }, element('value', {}, formType)),
    ...content,
  )
}

function fieldElement({ name, type, label, description, required, value, options = [], open }: FormField): Element {
  return element(
    'field',
    { type: type ?? 'text-single', var: name, label },
    description !== undefined && element('desc', {}, description),
    required && element('required'),
    open && element('validate', { xmlns: NS.dataValidate, datatype: 'xs:string' }, element('open')),
    ...valueElements(type, value),
    ...options.map((option) => element('option', { label: option.label }, element('value', {}, option.value))),
  )
}

function valueElement(name: string | undefined, type: FormFieldType | undefined, value: FormFieldValue | undefined): Element {
  return element('field', { var: name }, ...valueElements(type, value))
}

function valueElements(type: FormFieldType | undefined, value: FormFieldValue | undefined): Element[] {
  return textsOf(type, value).map((text) => element('value', {}, text))
}

function textsOf(type: FormFieldType | undefined, value: FormFieldValue | undefined): readonly string[] {
  if (value === undefined) return []
  if (typeof value === 'boolean') return [value ? '1' : '0']
  if (Array.isArray(value)) return value.map(String)
  const text = String(value as string | number | Jid)
  return type === 'text-multi' ? text.split(/\r\n|\n|\r/) : [text]
}

function tableElements({ columns, rows }: FormTable): Element[] {
  return [
    element('reported', {}, ...columns.map(({ name, type, label }) => element('field', { var: name, type: type ?? 'text-single', label }))),
    ...rows.map((row) => element('item', {}, ...columns.map(({ name = '', type }) => valueElement(name, type, row[name])))),
  ]
}

/** What a form holds, by field name. Names are as they came: take those that are known. */
export class FormValues {
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  get formType(): string | undefined {
    return this.value('FORM_TYPE')
  }

  /** All names but FORM_TYPE. */
  names(): string[] {
    return [...this.#values.keys()].filter((name) => name !== 'FORM_TYPE')
  }

  /** True when the field is there, even without a value. */
  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** The first value; undefined when there is none. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.[0]
  }

  values(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  /** The lines of a `text-multi`, joined. */
  text(name: string): string {
    return this.values(name).join('\n')
  }

  /** @throws StanzaError bad-request for text that is neither of `1`, `true`, `0`, `false` */
  flag(name: string): boolean | undefined {
    const text = this.value(name)?.trim()
    if (text === undefined || text === '') return undefined
    if (text === '1' || text === 'true') return true
    if (text === '0' || text === 'false') return false
    throw refused(name, 'is neither true nor false')
  }

  /** @throws StanzaError bad-request for text that is no whole number of up to 15 digits */
  whole(name: string): number | undefined {
    const text = this.value(name)?.trim()
    if (text === undefined || text === '') return undefined
    if (!/^\d{1,15}$/.test(text)) throw refused(name, 'is no whole number')
    return Number(text)
  }

  /** @throws StanzaError bad-request for text that is no JID */
  jid(name: string): Jid | undefined {
    const text = this.value(name)?.trim()
    return text === undefined || text === '' ? undefined : jidOf(name, text)
  }

  /** Without doubles, which XEP-0004 §3.3 wants ignored, and without blank lines. @throws StanzaError bad-request */
  jids(name: string): Jid[] {
    const texts = this.values(name).map((text) => text.trim())
    const jids = texts.filter((text) => text !== '').map((text) => jidOf(name, text))
    return [...new Map(jids.map((jid) => [jid.toString(), jid])).values()]
  }
}

function jidOf(name: string, text: string): Jid {
  const jid = Jid.tryParse(text)
  if (!jid) throw refused(name, 'is no JID')
  return jid
}

function refused(name: string, what: string): StanzaError {
  return new StanzaError('bad-request', { text: `The field "${name}" ${what}.` })
}

/**
 * Reads a submitted form. @param formType what it must be; a form that names none is taken for it
 * @throws StanzaError bad-request for another type of form, a FORM_TYPE that is another, a field without name or given twice
 */
export function readForm(form: Element, formType?: string): FormValues {
  if (form.attrs.type !== 'submit') throw new StanzaError('bad-request', { text: 'This is no submitted form.' })
  const values = new FormValues(fieldsOf(form))
  const named = values.formType
  if (formType !== undefined && named !== undefined && named !== formType) {
    throw new StanzaError('bad-request', { text: 'This is a form for something else.' })
  }
  return values
}

/** The `<x/>` of a data form in this element, if any. */
export function findForm(parent: Element): Element | undefined {
  return findChild(parent, 'x', NS.dataForm)
}

function fieldsOf(form: Element): Map<string, readonly string[]> {
  const values = new Map<string, readonly string[]>()
  for (const field of childElements(form)) {
    if (field.getName() !== 'field' || namespaceOf(field) !== NS.dataForm || field.attrs.type === 'fixed') continue
    const name: unknown = field.attrs.var
    if (typeof name !== 'string' || name === '') throw new StanzaError('bad-request', { text: 'A field has no name.' })
    if (values.has(name)) throw refused(name, 'is given twice')
    const texts = childElements(field).filter((it) => it.getName() === 'value' && namespaceOf(it) === NS.dataForm)
    values.set(
      name,
      texts.map((it) => it.getText()),
    )
  }
  return values
}

const SEVERAL: ReadonlySet<string> = new Set(['hidden', 'jid-multi', 'list-multi', 'text-multi'])

/**
 * Checks what was filled in against the form that was asked for: required fields, one value where there may be only one, options,
 * JIDs, booleans. Fields that were not asked for are left alone.
 * @throws StanzaError bad-request that names the first field that is wrong; not-acceptable for a required one that is empty
 */
export function checkForm(fields: readonly FormField[], values: FormValues): FormValues {
  for (const field of fields) {
    const { name, type = 'text-single' } = field
    if (name === undefined || type === 'fixed') continue
    const given = values.values(name)
    if (field.required && given.every((text) => text.trim() === '')) {
      throw new StanzaError('not-acceptable', { text: `The field "${name}" must not be empty.` })
    }
    if (given.length > 1 && !SEVERAL.has(type)) throw refused(name, 'has several values')
    checkValues(name, type, field, values)
  }
  return values
}

function checkValues(name: string, type: FormFieldType, { options, open }: FormField, values: FormValues): void {
  if (type === 'boolean') values.flag(name)
  if (type === 'jid-single' || type === 'jid-multi') values.jids(name)
  if (!options || open || (type !== 'list-single' && type !== 'list-multi')) return
  for (const text of values.values(name)) {
    if (!options.some((option) => option.value === text)) throw refused(name, 'holds what was not offered')
  }
}
