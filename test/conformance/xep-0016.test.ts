/** Privacy lists over sockets (XEP-0016): kept, made active and default, applied to all kinds of stanzas, and bad requests. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import presence from '../../plugins/presence/index.js'
import privacy from '../../plugins/privacy/index.js'
import roster from '../../plugins/roster/index.js'
import { bare, subscribe } from './support/contacts.js'

const start = (t: TestScope, config = {}) => startTestServer(t, { plugins: [roster, presence, privacy], config })

const ask = (client: TestClient, content: string, type: 'get' | 'set' = 'set') =>
  client.request(`<iq type="${type}" id="p"><query xmlns="jabber:iq:privacy">${content}</query></iq>`)
const accepted = async (client: TestClient, content: string) => assert.equal((await ask(client, content)).attrs.type, 'result', content)
const refused = async (client: TestClient, content: string, type: 'get' | 'set' = 'set') => errorCondition(await ask(client, content, type))
const queryOf = async (client: TestClient, content: string) => findChild(await ask(client, content, 'get'), 'query', NS.privacy) as Element
const names = async (client: TestClient) => childElements(await queryOf(client, '')).map((it) => `${it.getName()} ${it.attrs.name}`)
const list = (name: string, items: string) => `<list name="${name}">${items}</list>`
const deny = (what: string, order = 1, parts = '') => `<item ${what} action="deny" order="${order}">${parts}</item>`
const jid = (value: string) => `type="jid" value="${value}"`
async function pushed(client: TestClient): Promise<string> {
  const push = await client.receive((el) => el.getName() === 'iq' && el.attrs.type === 'set', 'a push')
  const [named, ...more] = childElements(findChild(push, 'query', NS.privacy) as Element)
  assert.ok(named && more.length === 0 && childElements(named).length === 0, 'a push names one list alone')
  return String(named.attrs.name)
}
/** Sends a message, an iq, presence and a request for a subscription. @returns which of them arrived */
async function arrives(from: TestClient, to: TestClient): Promise<string[]> {
  from.send(`<message to="${to.jid}" type="chat" id="m"><body>x</body></message>`)
  from.send(`<iq to="${to.jid}" type="get" id="i"><query xmlns="urn:x"/></iq>`)
  from.send(`<presence to="${to.jid}"/>`)
  from.send(`<presence to="${bare(to)}" type="subscribe"/>`)
  await from.sync()
  await to.sync()
  from.send(`<presence to="${bare(to)}" type="unsubscribe"/>`)
  await from.sync()
  const got = to.stream.queued((el) => el.attrs.from?.startsWith(bare(from)))
  const answers = from.stream.queued((el) => el.attrs.type === 'error').map(errorCondition)
  for (const client of [from, to]) client.stream.discard(() => true)
  assert.ok(answers.every((it) => it === 'service-unavailable'))
  return got.map((el) => (el.attrs.type === 'subscribe' ? 'subscribe' : el.getName()))
}

describe('lists (§2.3 to §2.8)', () => {
  test('are kept, read back in order, replaced, pushed by name to every resource, and removed', async (t) => {
    const server = await start(t)
    const [a, b] = [await server.login('juliet'), await server.login('juliet', { available: false })]
    assert.deepEqual(await names(a), [])
    await accepted(a, list('public', `<item action="allow" order="68"/>${deny(jid('TYBALT@example.com'), 3, '<message/><presence-in/>')}`))
    for (const client of [a, b]) assert.equal(await pushed(client), 'public')
    const read = await queryOf(b, '<list name="public"/>')
    assert.equal(
      read.toString(),
      '<query xmlns="jabber:iq:privacy"><list name="public"><item type="jid" value="tybalt@example.com" action="deny" order="3"><message/><presence-in/></item>' +
        '<item action="allow" order="68"/></list></query>',
    )
    await accepted(a, list('public', deny('type="subscription" value="none"', 4_294_967_295)))
    await accepted(a, list('special', deny('')))
    assert.equal(childElements(findChild(await queryOf(a, '<list name="public"/>'), 'list') as Element).length, 1)
    await accepted(a, '<active name="special"/>')
    await accepted(b, '<default name="public"/>')
    assert.deepEqual(await names(a), ['active special', 'default public', 'list public', 'list special'])
    assert.deepEqual(await names(b), ['default public', 'list public', 'list special'])
    await accepted(a, '<active/>')
    await accepted(a, list('special', ''))
    assert.deepEqual(await names(a), ['default public', 'list public'])
  })

  test('that are wrong are refused whole', async (t) => {
    const juliet = await (await start(t, { plugins: { settings: { privacy: { maxItems: 2, maxLists: 1 } } } })).login('juliet')
    await accepted(juliet, list('a', deny('', 1)))
    const wrong: readonly [content: string, condition: string][] = [
      ['', 'bad-request'],
      ['<active name="a"/><default name="a"/>', 'bad-request'],
      ['<other/>', 'bad-request'],
      ['<list xmlns="urn:x" name="a"/>', 'bad-request'],
      [list('', deny('')), 'bad-request'],
      [`<list>${deny('')}</list>`, 'bad-request'],
      [list('n'.repeat(101), deny('')), 'not-acceptable'],
      [list('a', '<rule action="deny" order="1"/>'), 'bad-request'],
      [list('a', '<item action="deny"/>'), 'bad-request'],
      [list('a', '<item order="1"/>'), 'bad-request'],
      [list('a', '<item action="maybe" order="1"/>'), 'bad-request'],
      [list('a', '<item action="deny" order="-1"/>'), 'bad-request'],
      [list('a', '<item action="deny" order="1.5"/>'), 'bad-request'],
      [list('a', '<item action="deny" order="4294967296"/>'), 'bad-request'],
      [list('a', deny('', 5) + deny('', 5)), 'bad-request'],
      [list('a', deny('type="colour" value="red"')), 'bad-request'],
      [list('a', deny('type="jid"')), 'bad-request'],
      [list('a', deny(jid('@'))), 'jid-malformed'],
      [list('a', deny('type="subscription" value="all"')), 'bad-request'],
      [list('a', deny('type="group" value="Enemies"')), 'item-not-found'],
      [list('a', deny('', 1, '<presence/>')), 'bad-request'],
      [list('a', deny('', 1, '<iq/><iq/>')), 'bad-request'],
      [list('a', deny('', 1) + deny('', 2) + deny('', 3)), 'resource-constraint'],
      [list('b', deny('')), 'resource-constraint'],
      ['<active name=""/>', 'bad-request'],
      ['<active name="b"/>', 'item-not-found'],
      ['<default name="b"/>', 'item-not-found'],
      ['<default name="a"><item/></default>', 'bad-request'],
      [list('b', ''), 'item-not-found'],
    ]
    for (const [content, condition] of wrong) assert.equal(await refused(juliet, content), condition, content)
    for (const [content, condition] of [
      ['<list name="b"/>', 'item-not-found'],
      ['<list/>', 'bad-request'],
      ['<active/>', 'bad-request'],
      ['<list name="a"/><list name="a"/>', 'bad-request'],
    ] as const) {
      assert.equal(await refused(juliet, content, 'get'), condition, content)
    }
    assert.equal((await queryOf(juliet, '<list name="a"/>')).getChild('list')?.children.join(''), '<item action="deny" order="1"/>')
    assert.deepEqual(await names(juliet), ['list a'])
  })

  test('that hold for another resource are neither removed nor put out of their place (§2.2 rule 11)', async (t) => {
    const server = await start(t)
    const [a, b] = [await server.login('juliet'), await server.login('juliet')]
    await accepted(a, list('one', deny(jid('x@y'))))
    await accepted(a, list('two', deny(jid('x@z'))))
    await accepted(a, '<default name="one"/>')
    for (const content of ['<default name="two"/>', '<default/>', list('one', '')]) assert.equal(await refused(a, content), 'conflict')
    await accepted(a, '<default name="one"/>')
    await accepted(b, '<active name="two"/>')
    assert.equal(await refused(a, list('two', '')), 'conflict')
    await accepted(a, '<default/>')
    await b.close()
    await accepted(a, list('two', ''))
    assert.deepEqual(await names(a), ['list one'])
  })
})

describe('a list that holds', () => {
  test('keeps away what each rule names, and no more (§2.9 to §2.13)', async (t) => {
    const server = await start(t)
    const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
    const rule = (parts: string) => accepted(juliet, list('l', deny(jid('romeo@test'), 1, parts)))
    await rule('<message/>')
    await accepted(juliet, '<default name="l"/>')
    assert.deepEqual(await arrives(romeo, juliet), ['iq', 'presence', 'subscribe'])
    await rule('<iq/>')
    assert.deepEqual(await arrives(romeo, juliet), ['message', 'presence', 'subscribe'])
    await rule('<presence-in/>')
    assert.deepEqual(await arrives(romeo, juliet), ['message', 'iq', 'subscribe'])
    await rule('<presence-out/>')
    assert.deepEqual(await arrives(romeo, juliet), ['message', 'iq', 'presence', 'subscribe'])
    juliet.send(`<presence to="${romeo.jid}" id="d"/>`)
    assert.equal(errorCondition(await juliet.receive('presence')), 'not-acceptable')
    await rule('')
    assert.deepEqual(await arrives(romeo, juliet), [])
  })

  test('is read in order, to the first rule that matches; what no rule is about passes (§2.2 rules 5 to 7)', async (t) => {
    const server = await start(t)
    const [juliet, romeo, tybalt] = [await server.login('juliet'), await server.login('romeo'), await server.login('tybalt')]
    await accepted(
      juliet,
      list('l', `${deny('', 9, '<message/>')}<item ${jid('romeo@test')} action="allow" order="2"/>${deny(jid('romeo@test'), 3)}`),
    )
    await accepted(juliet, '<active name="l"/>')
    assert.deepEqual(await arrives(romeo, juliet), ['message', 'iq', 'presence', 'subscribe'])
    assert.deepEqual(await arrives(tybalt, juliet), ['iq', 'presence', 'subscribe'])
  })

  test('goes by group and subscription as they are now (§2.2 rule 9)', async (t) => {
    const server = await start(t)
    const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
    const group = (name: string) =>
      juliet.request(`<iq type="set" id="g"><query xmlns="jabber:iq:roster"><item jid="romeo@test"><group>${name}</group></item></query></iq>`)
    await group('Enemies')
    await accepted(juliet, list('l', deny('type="group" value="Enemies"')))
    await accepted(juliet, '<active name="l"/>')
    assert.deepEqual(await arrives(romeo, juliet), [])
    await group('Friends')
    assert.deepEqual(await arrives(romeo, juliet), ['message', 'iq', 'presence', 'subscribe'])
    await accepted(juliet, list('l', deny('type="subscription" value="none"')))
    assert.deepEqual(await arrives(romeo, juliet), [])
    await accepted(juliet, '<active/>')
    await subscribe(juliet, romeo)
    await accepted(juliet, '<active name="l"/>')
    romeo.send(`<message to="${juliet.jid}" type="chat"><body>friend</body></message>`)
    await juliet.receive('message')
  })

  test('as the active one of a session holds for it alone, instead of the default (§2.2 rules 1, 2)', async (t) => {
    const server = await start(t)
    const [a, b, romeo] = [
      await server.login('juliet', { resource: 'a' }),
      await server.login('juliet', { resource: 'b' }),
      await server.login('romeo'),
    ]
    await accepted(a, list('closed', deny('')))
    await accepted(a, list('open', '<item action="allow" order="1"/>'))
    await accepted(a, '<active name="closed"/>')
    assert.deepEqual([await arrives(romeo, a), (await arrives(romeo, b)).includes('message')], [[], true])
    romeo.send('<message to="juliet@test" type="chat"><body>to the account</body></message>')
    await b.receive('message')
    await a.receiveNothing('message')
    await accepted(a, '<active name="open"/>')
    await accepted(b, '<active name="open"/>')
    await accepted(a, '<default name="closed"/>')
    assert.ok((await arrives(romeo, a)).includes('message'))
    const c = await server.login('juliet', { resource: 'c' })
    assert.deepEqual(await arrives(romeo, c), [])
    for (const client of [a, b, c]) await client.close()
    romeo.send('<message to="juliet@test" type="chat" id="m"><body>nobody home</body></message>')
    assert.equal(errorCondition(await romeo.receive('message')), 'service-unavailable')
  })

  test('shows contacts as gone that are heard of no more, and as they are when they are heard of again (§2.10)', async (t) => {
    const server = await start(t)
    const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
    await subscribe(juliet, romeo)
    await accepted(juliet, list('l', deny(jid('romeo@test'), 1, '<presence-in/>')))
    await accepted(juliet, '<active name="l"/>')
    const gone = await juliet.receive('presence')
    assert.deepEqual([gone.attrs.type, gone.attrs.from], ['unavailable', romeo.jid.toString()])
    romeo.send('<presence><show>xa</show></presence>')
    await romeo.sync()
    await juliet.receiveNothing('presence')
    await accepted(juliet, '<active/>')
    const back = await juliet.receive('presence')
    assert.deepEqual([back.attrs.from, back.getChildText('show')], [romeo.jid.toString(), 'xa'])
  })

  test('hides the user from contacts, and shows the user again (§2.11)', async (t) => {
    const server = await start(t)
    const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
    await subscribe(romeo, juliet)
    await accepted(juliet, list('l', deny('type="subscription" value="from"', 1, '<presence-out/>')))
    await accepted(juliet, '<default name="l"/>')
    const gone = await romeo.receive('presence')
    assert.deepEqual([gone.attrs.type, gone.attrs.from], ['unavailable', juliet.jid.toString()])
    juliet.send('<presence><show>chat</show></presence>')
    await juliet.sync()
    await romeo.receiveNothing('presence')
    await accepted(juliet, list('l', ''))
    assert.equal((await romeo.receive('presence')).getChildText('show'), 'chat')
  })
})

test('a rule that denies everything to an address in the default list is a blocked address, and the other way round (XEP-0191 §5)', async (t) => {
  const server = await start(t)
  const [lists, blocks] = [await server.login('juliet'), await server.login('juliet')]
  const blocked = async () => {
    const answer = await blocks.request('<iq type="get" id="b"><blocklist xmlns="urn:xmpp:blocking"/></iq>')
    return childElements(findChild(answer, 'blocklist', NS.blocking) as Element).map((it) => it.attrs.jid)
  }
  const nextBlockPush = async () => {
    const push = await blocks.receive((el) => el.attrs.type === 'set' && childElements(el)[0]?.getNS() === NS.blocking)
    return `${childElements(push)[0]?.getName()} ${childElements(childElements(push)[0] as Element).map((it) => it.attrs.jid)}`
  }
  await accepted(
    lists,
    list('mine', `<item ${jid('nurse@test')} action="allow" order="4"/>${deny(jid('iago@test'), 7)}${deny(jid('paris@test'), 8, '<iq/>')}`),
  )
  assert.deepEqual(await blocked(), [])
  await accepted(lists, '<default name="mine"/>')
  assert.equal(await nextBlockPush(), 'block iago@test')
  assert.deepEqual(await blocked(), ['iago@test'])
  lists.stream.discard(() => true)
  await blocks.request('<iq type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="nurse@test"/></block></iq>')
  assert.equal(await pushed(lists), 'mine')
  assert.equal(
    (await queryOf(lists, '<list name="mine"/>')).getChild('list')?.children.join(''),
    `<item type="jid" value="nurse@test" action="deny" order="1"/><item type="jid" value="nurse@test" action="allow" order="2"/>` +
      `<item type="jid" value="iago@test" action="deny" order="3"/><item type="jid" value="paris@test" action="deny" order="4"><iq/></item>`,
  )
  assert.equal(await nextBlockPush(), 'block nurse@test')
  await accepted(lists, list('mine', deny(jid('iago@test'), 7)))
  assert.equal(await nextBlockPush(), 'unblock nurse@test')
})

test('the active list, and who wants pushes, outlive a reload of the plugin', async (t) => {
  const server = await startTestServer(t)
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
  await accepted(juliet, list('l', deny(jid('romeo@test'))))
  await accepted(juliet, '<active name="l"/>')
  await server.plugins.reload('privacy')
  assert.deepEqual(await names(juliet), ['active l', 'list l'])
  romeo.send(`<message to="${juliet.jid}" type="chat" id="m"><body>x</body></message>`)
  assert.equal(errorCondition(await romeo.receive('message')), 'service-unavailable')
})
