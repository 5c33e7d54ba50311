/** An archive as a test reads it. */
import { childElements, childText, Element, element, findChild, NS, submittedForm } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient, type TestScope, type TestServerOptions } from '@beaconfire/plugin-sdk/testing'
import disco from '../../../plugins/disco/index.js'
import mam from '../../../plugins/mam/index.js'
import offlineStorage from '../../../plugins/offline-storage/index.js'
import presence from '../../../plugins/presence/index.js'
import roster from '../../../plugins/roster/index.js'
import stanzaIds from '../../../plugins/stanza-ids/index.js'

export const plugins = [roster, presence, offlineStorage, disco, stanzaIds, mam]

export interface Archived {
  readonly id: string
  readonly body: string | undefined
  readonly stamp: string
  readonly message: Element
}

export interface Page {
  readonly archived: readonly Archived[]
  readonly bodies: readonly (string | undefined)[]
  readonly ids: readonly string[]
  readonly fin: Element
  readonly isComplete: boolean
  readonly first: Element | undefined
  readonly last: string | undefined
  readonly count: number
}

export interface PageQuery {
  readonly fields?: Readonly<Record<string, string | readonly string[]>>
  readonly max?: number
  readonly after?: string
  readonly before?: string
  readonly flip?: boolean
}

export async function romeoAndJuliet(t: TestScope, options: TestServerOptions = { plugins }) {
  const server = await startTestServer(t, options)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'balcony' })]
  return { server, romeo, juliet }
}

/** Sends chat messages, and waits until the server has them. */
export async function say(client: TestClient, to: string, ...bodies: readonly string[]): Promise<void> {
  for (const body of bodies) client.send(element('message', { to, type: 'chat' }, element('body', {}, body)))
  await client.sync()
}

export function queryElement({ fields, max, after, before, flip }: PageQuery, queryid?: string): Element {
  const form =
    fields && submittedForm({ formType: NS.mam, fields: Object.entries(fields).map(([name, value]) => ({ name, value, type: 'list-multi' })) })
  const set = element(
    'set',
    { xmlns: NS.resultSet },
    max !== undefined && element('max', {}, max),
    after !== undefined && element('after', {}, after),
    before !== undefined && element('before', {}, before),
  )
  return element('query', { xmlns: NS.mam, queryid }, form, set.children.length > 0 && set, flip && element('flip-page'))
}

export function ask(client: TestClient, query: Element, to?: string): Promise<Element> {
  return client.request(element('iq', { type: 'set', to }, query))
}

/** One page of the client's own archive. */
export async function search(client: TestClient, query: PageQuery = {}): Promise<Page> {
  const queryid = `q${client.received.length}`
  const answer = await ask(client, queryElement(query, queryid))
  const fin = findChild(answer, 'fin', NS.mam)
  if (!fin) throw new Error(`no page, but ${answer}`)
  const archived = client.stream
    .queued('message')
    .flatMap((it) => findChild(it, 'result', NS.mam) ?? [])
    .filter((it) => it.attrs.queryid === queryid)
    .map(archivedIn)
  client.stream.discard((it) => findChild(it, 'result', NS.mam) !== undefined)
  const set = findChild(fin, 'set', NS.resultSet)
  return {
    archived,
    bodies: archived.map((it) => it.body),
    ids: archived.map((it) => it.id),
    fin,
    isComplete: fin.attrs.complete === 'true',
    first: set && findChild(set, 'first'),
    last: set && childText(set, 'last'),
    count: Number(set && childText(set, 'count')),
  }
}

function archivedIn(result: Element): Archived {
  const forwarded = findChild(result, 'forwarded', NS.forward)
  const message = forwarded && findChild(forwarded, 'message', NS.client)
  if (!forwarded || !message) throw new Error(`no message in ${result}`)
  return {
    id: String(result.attrs.id),
    body: childText(message, 'body'),
    stamp: String(findChild(forwarded, 'delay', NS.delay)?.attrs.stamp),
    message,
  }
}

export function stanzaId(message: Element, by: string): string | undefined {
  return childElements(message).find((it) => it instanceof Element && it.is('stanza-id', NS.stanzaIds) && it.attrs.by === by)?.attrs.id
}
