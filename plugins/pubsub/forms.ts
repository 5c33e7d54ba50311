/** Data forms (XEP-0004): reading what was submitted, and making fields. */
import { childElements, type Element, element, findChild, NS, namespaceOf } from '@beaconfire/plugin-sdk'

export type FieldType = 'boolean' | 'hidden' | 'jid-multi' | 'jid-single' | 'list-multi' | 'list-single' | 'text-multi' | 'text-single'

export interface SubmittedForm {
  readonly type: string
  /** Of the field FORM_TYPE (XEP-0068), if there is one. */
  readonly formType: string | undefined
  /** Values by `var`, FORM_TYPE left out. Of two fields of one name the last counts. */
  readonly fields: ReadonlyMap<string, readonly string[]>
}

/** The first data form in `parent`, if any. */
export function submittedForm(parent: Element): SubmittedForm | undefined {
  const form = findChild(parent, 'x', NS.dataForm)
  if (!form) return undefined
  const fields = new Map<string, readonly string[]>()
  for (const field of childElements(form)) {
    if (field.getName() !== 'field' || namespaceOf(field) !== NS.dataForm || field.attrs.var === undefined) continue
    const values = childElements(field).flatMap((it) => (it.getName() === 'value' ? [it.getText()] : []))
    fields.set(String(field.attrs.var), values)
  }
  const formType = fields.get('FORM_TYPE')?.[0]
  fields.delete('FORM_TYPE')
  return { type: String(form.attrs.type ?? ''), formType, fields }
}

export interface FieldDetails {
  readonly label?: string
  readonly options?: readonly string[]
}

export function formField(name: string, type: FieldType, values: readonly string[], { label, options = [] }: FieldDetails = {}): Element {
  return element(
    'field',
    { var: name, type, label },
    ...options.map((it) => element('option', {}, element('value', {}, it))),
    ...values.map((it) => element('value', {}, it)),
  )
}

export function dataForm(type: 'form' | 'result' | 'submit', formType: string, fields: readonly Element[]): Element {
  return element('x', { xmlns: NS.dataForm, type }, formField('FORM_TYPE', 'hidden', [formType]), ...fields)
}

/** XEP-0004 §3.3: `1`, `true`, `0` or `false`; undefined for anything else. */
export function parseBoolean(text: string | undefined): boolean | undefined {
  if (text === '1' || text === 'true') return true
  return text === '0' || text === 'false' ? false : undefined
}
