/** User search over sockets (XEP-0055): forms, plain fields, pages, what is shown to whom, and bad requests. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import { subscribe } from '../../test/conformance/support/contacts.js'
import disco from '../disco/index.js'
import presence from '../presence/index.js'
import roster from '../roster/index.js'
import search from './index.js'

const PEOPLE = [
  ['juliet', 'Juliet Capulet', 'jules@capulet.lit'],
  ['tybalt', 'Tybalt Capulet', 'cat@capulet.lit'],
  ['romeo', 'Romeo Montague', 'romeo@montague.lit'],
  ['x_100%', undefined, undefined],
] as const

async function start(t: TestScope, settings = {}, config = {}) {
  const server = await startTestServer(t, {
    plugins: [roster, presence, disco, search],
    config: { admins: ['bard@test'], plugins: { settings: { search: settings } }, ...config },
  })
  for (const [username, name, email] of PEOPLE) await server.accounts.create({ username, password: username, name, email })
  return server
}

const ask = (client: TestClient, content: string, type: 'get' | 'set' = 'set', to = 'search.test') =>
  client.request(`<iq type="${type}" to="${to}" id="s"><query xmlns="jabber:iq:search">${content}</query></iq>`)
async function answer(client: TestClient, content: string, type: 'get' | 'set' = 'set', to?: string): Promise<Element> {
  const reply = await ask(client, content, type, to)
  assert.equal(reply.attrs.type, 'result', String(reply))
  return findChild(reply, 'query', NS.search) as Element
}
const jids = (query: Element) => query.getChildren('item').map((it) => String(it.attrs.jid))
const plain = async (client: TestClient, content: string) => jids(await answer(client, content)).map((jid) => jid.split('@')[0])
const form = (fields: Readonly<Record<string, string>>, type = 'submit') =>
  `<x xmlns="jabber:x:data" type="${type}"><field var="FORM_TYPE"><value>jabber:iq:search</value></field>${Object.entries(fields)
    .map(([name, value]) => `<field var="${name}"><value>${value}</value></field>`)
    .join('')}</x>`
/** Rows of a result as `username name email`. */
async function rows(client: TestClient, fields: Readonly<Record<string, string>>): Promise<string[]> {
  const x = findChild(await answer(client, form(fields)), 'x', NS.dataForm) as Element
  assert.equal(x.attrs.type, 'result')
  assert.deepEqual(
    (x.getChild('reported')?.getChildren('field') ?? []).map((it) => it.attrs.var),
    ['jid', 'Username', 'Name', 'Email'],
  )
  return x.getChildren('item').map((item) =>
    item
      .getChildren('field')
      .slice(1)
      .map((field) => field.getChildText('value'))
      .join(' ')
      .trim(),
  )
}

test('the directory is found by service discovery, and says what it is', async (t) => {
  const romeo = await (await start(t)).login('romeo')
  const query = async (what: string, to: string) =>
    String(await romeo.request(`<iq type="get" to="${to}" id="d"><query xmlns="http://jabber.org/protocol/disco#${what}"/></iq>`))
  assert.match(await query('items', 'test'), /jid="search\.test"/)
  assert.match(await query('info', 'test'), /"jabber:iq:search"/)
  const info = await query('info', 'search.test')
  for (const part of [/category="directory" type="user"/, /"jabber:iq:search"/, /"http:\/\/jabber.org\/protocol\/rsm"/]) assert.match(info, part)
  assert.match(await query('items', 'search.test'), /disco#items"\/>/)
})

test('the fields are told, plain and as a form (§2.1, §3)', async (t) => {
  const romeo = await (await start(t)).login('romeo')
  for (const to of ['search.test', 'test']) {
    const query = await answer(romeo, '', 'get', to)
    assert.deepEqual(
      childElements(query).map((it) => it.getName()),
      ['instructions', 'first', 'last', 'nick', 'email', 'x'],
    )
    const x = findChild(query, 'x', NS.dataForm)
    assert.equal(x?.attrs.type, 'form')
    assert.equal(x?.getChild('field')?.getChildText('value'), 'jabber:iq:search')
    const required = x?.getChildren('field').filter((it) => it.getChild('required'))
    assert.deepEqual(
      required?.map((it) => it.attrs.var),
      ['search'],
    )
  }
})

describe('plain fields (§2.1)', () => {
  test('find accounts by part of a name, whatever its case; all of them must match', async (t) => {
    const romeo = await (await start(t)).login('romeo')
    assert.deepEqual(await plain(romeo, '<last>CAPU</last>'), ['juliet', 'tybalt'])
    assert.deepEqual(await plain(romeo, '<first>tyb</first><last>capulet</last>'), ['tybalt'])
    assert.deepEqual(await plain(romeo, '<nick>ROM</nick><last>capulet</last>'), [])
    assert.deepEqual(await plain(romeo, '<nick>*jul*</nick>'), ['juliet'])
    const query = await answer(romeo, '<nick>romeo</nick>')
    assert.equal(
      query.getChild('item')?.toString(),
      '<item jid="romeo@test"><first>Romeo</first><last>Montague</last><nick>romeo</nick><email>romeo@montague.lit</email></item>',
    )
  })

  test('hold no wildcards of the database', async (t) => {
    const romeo = await (await start(t)).login('romeo')
    assert.deepEqual(await plain(romeo, '<nick>%</nick>'), ['x_100%'])
    assert.deepEqual(await plain(romeo, '<nick>_</nick>'), ['x_100%'])
    assert.deepEqual(await plain(romeo, '<nick>!</nick>'), [])
    assert.equal(String(await answer(romeo, "<nick>' or 1=1 --</nick>")), '<query xmlns="jabber:iq:search"/>')
  })
})

test('a form finds in the fields that are ticked (§3)', async (t) => {
  const romeo = await (await start(t, { email: 'all' })).login('romeo')
  assert.deepEqual(await rows(romeo, { search: 'capulet' }), ['juliet Juliet Capulet jules@capulet.lit', 'tybalt Tybalt Capulet cat@capulet.lit'])
  assert.deepEqual(await rows(romeo, { search: 'cat', Email: '1' }), ['tybalt Tybalt Capulet cat@capulet.lit'])
  assert.deepEqual(await rows(romeo, { search: 'cat', Username: '1', Name: 'true', Email: '0' }), [])
  assert.deepEqual(await rows(romeo, { first: 'romeo' }), ['romeo Romeo Montague romeo@montague.lit'])
  assert.deepEqual(await rows(romeo, { search: 'nobody' }), [])
})

describe('an e-mail', () => {
  test('is shown, and looked in, for contacts whose presence is seen, and for administrators', async (t) => {
    const server = await start(t)
    const [romeo, juliet, bard] = [await server.login('romeo'), await server.login('juliet'), await server.login('bard')]
    const mails = async (client: TestClient) =>
      (await answer(client, '<last>capulet</last>')).getChildren('item').map((it) => it.getChildText('email'))
    assert.deepEqual(await mails(romeo), ['', ''])
    assert.deepEqual(await plain(romeo, '<email>capulet</email>'), [])
    await subscribe(romeo, juliet)
    assert.deepEqual(await mails(romeo), ['jules@capulet.lit', ''])
    assert.deepEqual(await plain(romeo, '<email>capulet</email>'), ['juliet'])
    assert.deepEqual(await mails(bard), ['jules@capulet.lit', 'cat@capulet.lit'])
    assert.deepEqual(await plain(bard, '<email>lit</email>'), ['juliet', 'romeo', 'tybalt'])
  })

  test('is nobody\u2019s business where the configuration says so', async (t) => {
    const server = await start(t, { email: 'none' })
    const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
    await subscribe(romeo, juliet)
    assert.deepEqual(await plain(romeo, '<email>capulet</email>'), [])
  })
})

test('what is found is limited, and comes in pages (XEP-0059)', async (t) => {
  const server = await start(t, { maxResults: 7 })
  for (let i = 0; i < 9; i++) await server.accounts.create({ username: `page${i}`, password: 'x' })
  const romeo = await server.login('romeo')
  assert.equal((await plain(romeo, '<nick>page</nick>')).length, 7)
  const page = async (set: string) => {
    const query = await answer(romeo, `<nick>page</nick><set xmlns="http://jabber.org/protocol/rsm">${set}</set>`)
    const info = findChild(query, 'set', NS.resultSet)
    return [jids(query).map((jid) => jid.slice(4, 5)), info?.getChild('first')?.attrs.index, info?.getChildText('last'), info?.getChildText('count')]
  }
  assert.deepEqual(await page('<max>2</max>'), [['0', '1'], '0', 'page1', '7'])
  assert.deepEqual(await page('<max>3</max><after>page1</after>'), [['2', '3', '4'], '2', 'page4', '7'])
  assert.deepEqual(await page('<max>2</max><before/>'), [['5', '6'], '5', 'page6', '7'])
  assert.deepEqual(await page('<max>0</max>'), [[], undefined, null, '7'])
  for (const [set, condition] of [
    ['<max>x</max>', 'bad-request'],
    ['<after>nobody</after>', 'item-not-found'],
  ]) {
    const reply = await ask(romeo, `<nick>page</nick><set xmlns="http://jabber.org/protocol/rsm">${set}</set>`)
    assert.equal(errorCondition(reply), condition)
  }
})

test('accounts that may not log in are not found', async (t) => {
  const server = await start(t)
  await server.accounts.setDisabled('tybalt', true)
  assert.deepEqual(await plain(await server.login('romeo'), '<last>capulet</last>'), ['juliet'])
})

test('a star alone lists all where the configuration allows it', async (t) => {
  const romeo = await (await start(t, { listAll: true })).login('romeo')
  assert.deepEqual(await plain(romeo, '<nick>*</nick>'), ['juliet', 'romeo', 'tybalt', 'x_100%'])
})

test('a request that makes no sense is refused', async (t) => {
  const romeo = await (await start(t)).login('romeo')
  const wrong: readonly [content: string, condition: string][] = [
    ['', 'not-acceptable'],
    ['<nick/>', 'not-acceptable'],
    ['<nick> </nick><first/>', 'not-acceptable'],
    ['<nick>*</nick>', 'not-acceptable'],
    ['<unknown>a</unknown>', 'not-acceptable'],
    ['<nick xmlns="urn:x">a</nick>', 'not-acceptable'],
    [`<nick>${'n'.repeat(101)}</nick>`, 'not-acceptable'],
    ['<nick>a</nick><nick>b</nick>', 'bad-request'],
    [form({ search: 'a' }, 'form'), 'bad-request'],
    [form({ search: 'a', Email: 'maybe' }), 'bad-request'],
    [form({ search: 'a', Username: '0', Name: '0', Email: '0' }), 'not-acceptable'],
    [form({ search: '' }), 'not-acceptable'],
    ['<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>urn:other</value></field></x>', 'bad-request'],
  ]
  for (const [content, condition] of wrong) assert.equal(errorCondition(await ask(romeo, content)), condition, content)
  for (const to of ['somebody@search.test', 'search.test/x'])
    assert.equal(errorCondition(await ask(romeo, '<nick>a</nick>', 'set', to)), 'service-unavailable')
  for (const to of ['juliet@test', 'nobody@test']) assert.equal(errorCondition(await ask(romeo, '<nick>a</nick>', 'set', to)), 'service-unavailable')
  romeo.send('<message to="search.test" id="m"><body>hello?</body></message>')
  assert.equal(errorCondition(await romeo.receive('message')), 'service-unavailable')
  const node = '<iq type="get" to="search.test" id="d"><query xmlns="http://jabber.org/protocol/disco#info" node="x"/></iq>'
  assert.equal(errorCondition(await romeo.request(node)), 'item-not-found')
})

test('who has no account here is told nothing', async (t) => {
  const server = await start(t, {}, { c2s: { anonymous: true } })
  const stream = await server.connect()
  await stream.open()
  stream.send('<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>')
  await stream.receive('success')
  await stream.open()
  const guest = new TestClient(stream, await stream.bind())
  for (const to of ['search.test', 'test']) {
    for (const type of ['get', 'set'] as const) {
      const refused = await ask(guest, '<nick>romeo</nick>', type, to)
      // Core keeps anonymous users from changing anything before the directory is asked.
      assert.match(errorCondition(refused) ?? '', /^(?:forbidden|not-allowed)$/)
      assert.ok(!String(refused).includes('romeo@'))
    }
  }
})

test('switched off there is no directory', async (t) => {
  const romeo = await (await start(t, { enabled: false })).login('romeo')
  assert.equal(errorCondition(await ask(romeo, '', 'get', 'test')), 'service-unavailable')
  assert.equal(errorCondition(await ask(romeo, '', 'get')), 'remote-server-not-found')
})
