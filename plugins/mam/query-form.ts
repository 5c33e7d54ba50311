/** Which messages a query asks for (XEP-0313 §4.1). */
import { childElements, type Element, formElement, type Jid, NS, namespaceOf, readForm, StanzaError } from '@beaconfire/plugin-sdk'

export interface Filter {
  readonly with: Jid | undefined
  /** Epoch milliseconds, inclusive. */
  readonly start: number | undefined
  readonly end: number | undefined
  readonly beforeId: string | undefined
  readonly afterId: string | undefined
  readonly ids: readonly string[] | undefined
}

const EVERYTHING: Filter = { with: undefined, start: undefined, end: undefined, beforeId: undefined, afterId: undefined, ids: undefined }

/** Fields that have one value at most. */
const SINGLE: ReadonlySet<string> = new Set(['with', 'start', 'end', 'before-id', 'after-id', 'include-groupchat'])

/** The fields that may be filled in (§4.1.5). */
export function queryForm(): Element {
  return formElement({
    formType: NS.mam,
    fields: [
      { name: 'with', type: 'jid-single' },
      { name: 'start', type: 'text-single' },
      { name: 'end', type: 'text-single' },
      { name: 'before-id', type: 'text-single' },
      { name: 'after-id', type: 'text-single' },
      { name: 'ids', type: 'list-multi', open: true },
      { name: 'include-groupchat', type: 'boolean' },
    ],
  })
}

/** @throws StanzaError bad-request; feature-not-implemented for a field that is not known (§4.1.5) */
export function readFilter(query: Element): Filter {
  const forms = childElements(query).filter((it) => it.getName() === 'x' && namespaceOf(it) === NS.dataForm)
  if (forms.length > 1) throw new StanzaError('bad-request', { text: 'There are several forms.' })
  const [form] = forms
  if (!form) return EVERYTHING
  const values = readForm(form, NS.mam)
  if (values.formType !== NS.mam) throw new StanzaError('bad-request', { text: 'The form does not say what it is for.' })
  for (const name of values.names()) {
    if (name !== 'ids' && !SINGLE.has(name)) throw new StanzaError('feature-not-implemented', { text: 'There is no such field to search by.' })
    if (name !== 'ids' && values.values(name).length > 1) throw new StanzaError('bad-request', { text: 'A field has several values.' })
  }
  // No rooms are archived here, so there is nothing to leave out (§4.1.4).
  values.flag('include-groupchat')
  return {
    with: values.jid('with'),
    start: moment(values.value('start')),
    end: moment(values.value('end')),
    beforeId: values.value('before-id'),
    afterId: values.value('after-id'),
    ids: values.has('ids') ? [...new Set(values.values('ids'))] : undefined,
  }
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,20})?(?:Z|[+-]\d\d:\d\d)$/

/** XEP-0082 §3.2. @returns epoch milliseconds @throws StanzaError bad-request */
function moment(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const at = DATE_TIME.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new StanzaError('bad-request', { text: 'A time is written as in 2026-11-21T08:00:00Z.' })
  return at
}
