/** A message of an archive on its way to who asked for it (XEP-0313 §4.2, XEP-0297). */
import { type Element, element, NS, parseStoredStanza, XmlError } from '@beaconfire/plugin-sdk'
import type { ArchiveRow } from './archive-tables.js'

export interface ResultDetails {
  readonly id: string
  readonly queryId: string | undefined
}

/** `<result/>`. A row that cannot be read keeps its place and its id, without the message (§3.2). */
export function archivedMessage({ sentDate, stanza }: Pick<ArchiveRow, 'sentDate' | 'stanza'>, { id, queryId }: ResultDetails): Element {
  return element(
    'result',
    { xmlns: NS.mam, queryid: queryId, id },
    element('forwarded', { xmlns: NS.forward }, element('delay', { xmlns: NS.delay, stamp: new Date(sentDate).toISOString() }), parsed(stanza)),
  )
}

function parsed(stanza: string): Element | undefined {
  try {
    const { element: tree } = parseStoredStanza(stanza)
    tree.attrs.xmlns = NS.client
    return tree
  } catch (error) {
    if (error instanceof XmlError || error instanceof TypeError) return undefined
    throw error
  }
}
