/** The pubsub service as a client talks to it: requests, forms and answers. */
import assert from 'node:assert/strict'
import { childElements, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import caps from '../../../plugins/caps/index.js'
import disco from '../../../plugins/disco/index.js'
import presence from '../../../plugins/presence/index.js'
import pubsub from '../../../plugins/pubsub/index.js'
import roster from '../../../plugins/roster/index.js'

export const NODE = 'princely_musings'
export const ENTRY = 'http://www.w3.org/2005/Atom'
export const start = (t: TestScope): Promise<TestServer> => startTestServer(t, { plugins: [roster, presence, disco, caps, pubsub] })
export const isEvent = (el: Element) => el.getName() === 'message' && findChild(el, 'event', NS.pubsubEvent) !== undefined
export const request = (client: TestClient, type: 'get' | 'set', inner: string, namespace: string = NS.pubsub) =>
  client.request(`<iq type="${type}" to="pubsub.test"><pubsub xmlns="${namespace}">${inner}</pubsub></iq>`)
export const own = (client: TestClient, type: 'get' | 'set', inner: string) => request(client, type, inner, NS.pubsubOwner)
export const form = (fields: Record<string, string>, formType: string = NS.pubsubNodeConfig) =>
  `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>${formType}</value></field>${Object.entries(fields)
    .map(([name, value]) => `<field var="pubsub#${name}"><value>${value}</value></field>`)
    .join('')}</x>`
export const create = (fields?: Record<string, string>, node = NODE) =>
  `<create node="${node}"/>${fields ? `<configure>${form(fields)}</configure>` : ''}`
export const item = (id: string, title = id) => `<item ${id && `id="${id}"`}><entry xmlns="${ENTRY}"><title>${title}</title></entry></item>`
export const publish = (...items: string[]) => `<publish node="${NODE}">${items.join('')}</publish>`
export const subscribe = (jid: string) => `<subscribe node="${NODE}" jid="${jid}"/>`

export async function granted(answer: Promise<Element>): Promise<Element | undefined> {
  const result = await answer
  assert.equal(result.attrs.type, 'result', String(result))
  return childElements(result)[0]
}
/** The condition, what XEP-0060 adds to it, and the feature that is missing. */
export async function refused(answer: Promise<Element>): Promise<string> {
  const refusal = await answer
  const error = refusal.getChild('error')
  assert.ok(error, `an error, not ${refusal}`)
  const condition = childElements(error).find((it) => it.getNS() === NS.pubsubErrors)
  return [errorCondition(refusal), condition?.getName(), condition?.attrs.feature].filter(Boolean).join(' ')
}
export const inEvent = (message: Element) => findChild(message, 'event', NS.pubsubEvent)?.children[0] as Element
export const ids = (answer: Element | undefined) => {
  const items = answer?.getChild('items')
  return items ? childElements(items).map((it) => String(it.attrs.id)) : []
}
