/** Rosters and presence as a client sees them, in short words that a table can hold. */
import assert from 'node:assert/strict'
import { type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, type TestClient } from '@beaconfire/plugin-sdk/testing'

export const bare = (client: TestClient): string => client.jid.bare().toString()

/** The `<query/>` of a roster get; undefined when the server says that the client has it already. */
export async function rosterOf(client: TestClient, ver?: string): Promise<Element | undefined> {
  const version = ver === undefined ? '' : ` ver='${ver}'`
  return findChild(await client.request(`<iq type='get'><query xmlns='jabber:iq:roster'${version}/></iq>`), 'query', NS.roster)
}

export async function itemsOf(client: TestClient): Promise<string[]> {
  return ((await rosterOf(client))?.getChildren('item') ?? []).map(describeItem)
}

export function setItem(client: TestClient, item: string): Promise<Element> {
  return client.request(`<iq type='set'><query xmlns='jabber:iq:roster'>${item}</query></iq>`)
}

/** `juliet@test none ask`, with name and groups where there are any. */
export function describeItem(item: Element): string {
  const { jid, name, subscription, ask, approved } = item.attrs
  const groups = item.getChildren('group').map((group) => group.getText())
  return [jid, name, ...groups, subscription, ask && 'ask', approved && 'approved'].filter(Boolean).join(' ')
}

export const isPush = (el: Element): boolean => el.getName() === 'iq' && el.attrs.type === 'set' && findChild(el, 'query', NS.roster) !== undefined

/** Takes the next roster push, which must be of the form of §2.1.6. @returns its item */
export async function pushed(client: TestClient): Promise<string> {
  const push = await client.receive(isPush, 'a roster push')
  assert.ok(push.attrs.id, 'a push has an id')
  assert.ok([undefined, bare(client)].includes(push.attrs.from), 'a push is from the account itself')
  const query = findChild(push, 'query', NS.roster)
  assert.ok(query?.attrs.ver, 'a push has a version')
  const items = query.getChildren('item')
  assert.equal(items.length, 1, 'a push has one item')
  return describeItem(items[0] as Element)
}

/** Takes the next presence. @returns `type from [status]` */
export async function seen(client: TestClient): Promise<string> {
  return describePresence(await client.receive('presence'))
}

export function describePresence(el: Element): string {
  return [el.attrs.type ?? 'available', el.attrs.from, el.getChildText('status')].filter(Boolean).join(' ')
}

/** Asks for the roster: from now on the client gets pushes. @returns the client */
export async function interested(client: TestClient): Promise<TestClient> {
  await rosterOf(client)
  return client
}

/** Subscribes `a` to `b`, both of which are interested, and takes out of both queues what this brings. */
export async function subscribe(a: TestClient, b: TestClient): Promise<void> {
  a.send(`<presence to='${bare(b)}' type='subscribe'/>`)
  await b.receive((el) => el.attrs.type === 'subscribe')
  b.send(`<presence to='${bare(a)}' type='subscribed'/>`)
  await b.sync()
  await a.sync()
  for (const client of [a, b]) client.stream.discard((el) => el.getName() === 'presence' || isPush(el))
}

export async function befriend(a: TestClient, b: TestClient): Promise<void> {
  await subscribe(a, b)
  await subscribe(b, a)
}

/** All that waits in these queues is taken out, once what was sent before has been handled. */
export async function settle(...clients: readonly TestClient[]): Promise<void> {
  for (const client of clients) await client.sync()
  for (const client of clients) client.stream.discard(() => true)
}

/** Says it, and waits until the server has done all that comes of it. */
export async function says(client: TestClient, ...stanzas: readonly string[]): Promise<void> {
  for (const stanza of stanzas) client.send(stanza)
  await client.sync()
}

/** All that came since the last time, in order: presence as {@link describePresence} has it, `push` and the item, `error` and its condition. */
export async function told(client: TestClient): Promise<string[]> {
  await client.sync()
  const came = client.stream.queued()
  client.stream.discard(() => true)
  return came.map((el) => {
    if (isPush(el)) return `push ${describeItem(findChild(el, 'query', NS.roster)?.getChild('item') as Element)}`
    return el.attrs.type === 'error' ? `error ${errorCondition(el)}` : describePresence(el)
  })
}

/** What an address says that it can (XEP-0030); nothing where it does not answer. */
export async function featuresOf(client: TestClient, to: string = client.jid.domain): Promise<string[]> {
  const answer = await client.request(`<iq type='get' to='${to}'><query xmlns='${NS.discoInfo}'/></iq>`)
  return (findChild(answer, 'query', NS.discoInfo)?.getChildren('feature', NS.discoInfo) ?? []).map((it) => String(it.attrs.var))
}
