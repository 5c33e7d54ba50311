/** Service administration over sockets (XEP-0133): each command, who may run it, what is written down, and bad requests. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, type Element, findChild, NS, submittedForm } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import adhoc from '../../plugins/adhoc/index.js'
import disco from '../../plugins/disco/index.js'
import offline from '../../plugins/offline-storage/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'
import serviceAdmin from '../../plugins/service-admin/index.js'

const start = (t: TestScope, config = {}) =>
  startTestServer(t, { plugins: [roster, presence, disco, offline, adhoc, serviceAdmin], config: { admins: ['bard@test'], ...config } })

type Values = Readonly<Record<string, string | readonly string[]>>

const request = (client: TestClient, name: string, attributes = '', content = '') =>
  client.request(
    `<iq type="set" to="test" id="c"><command xmlns="http://jabber.org/protocol/commands" node="http://jabber.org/protocol/admin#${name}" ${attributes}>${content}</command></iq>`,
  )
const commandOf = (answer: Element) => {
  assert.equal(answer.attrs.type, 'result', String(answer))
  return findChild(answer, 'command', NS.commands) as Element
}
const formOf = (el: Element) => findChild(el, 'x', NS.dataForm)
/** Begins a command and fills in its form. */
async function submit(client: TestClient, name: string, values: Values): Promise<Element> {
  const begun = commandOf(await request(client, name))
  assert.equal(begun.attrs.status, 'executing')
  const fields = Object.entries(values).map(([field, value]) => ({ name: field, value }))
  return request(client, name, `sessionid="${begun.attrs.sessionid}" action="complete"`, String(submittedForm({ formType: NS.admin, fields })))
}
/** To its end. */
async function run(client: TestClient, name: string, values?: Values): Promise<Element> {
  const done = commandOf(values ? await submit(client, name, values) : await request(client, name))
  assert.equal(done.attrs.status, 'completed')
  return done
}
const refused = async (client: TestClient, name: string, values: Values) => errorCondition(await submit(client, name, values))
function valuesOf(done: Element, name: string): string[] {
  const field = (formOf(done)?.getChildren('field') ?? []).find((it) => it.attrs.var === name)
  return (field?.getChildren('value') ?? []).map((it) => it.getText())
}
const value = async (client: TestClient, name: string, field: string) => valuesOf(await run(client, name), field)[0]
const bodies = (client: TestClient) => client.stream.queued('message').map((it) => it.getChildText('body'))

async function audited(server: TestServer): Promise<{ administrator: string; summary: string; details: string }[]> {
  const response = await server.admin('/api/v1/audit?limit=100')
  return ((await response.json()) as { items: { administrator: string; summary: string; details: string }[] }).items
}

test('commands are for administrators alone, and not shown to others', async (t) => {
  const server = await start(t)
  const [bard, romeo] = [await server.login('bard'), await server.login('romeo')]
  const nodes = async (client: TestClient) => {
    const answer = await client.request(
      `<iq type="get" to="test" id="d"><query xmlns="http://jabber.org/protocol/disco#items" node="http://jabber.org/protocol/commands"/></iq>`,
    )
    return childElements(findChild(answer, 'query', NS.discoItems) as Element).map((it) => String(it.attrs.node).split('#')[1])
  }
  const all = await nodes(bard)
  assert.deepEqual(await nodes(romeo), [])
  assert.equal(all.length, 26)
  for (const name of all) assert.equal(errorCondition(await request(romeo, String(name))), 'forbidden', name)
  assert.equal(errorCondition(await request(bard, 'get-user-password')), 'item-not-found')
  assert.deepEqual(await audited(server), [])
})

describe('accounts (§4.1 to §4.7)', () => {
  test('are added, and log in', async (t) => {
    const server = await start(t)
    const bard = await server.login('bard')
    const form = formOf(commandOf(await request(bard, 'add-user')))
    assert.equal(form?.getChild('field')?.getChildText('value'), NS.admin)
    await run(bard, 'add-user', {
      accountjid: 'Juliet@test',
      password: 'R0m30',
      'password-verify': 'R0m30',
      email: 'juliet@capulet.com',
      given_name: 'Juliet',
      surname: 'Capulet',
    })
    const account = await server.accounts.find('juliet')
    assert.deepEqual([account?.name, account?.email], ['Juliet Capulet', 'juliet@capulet.com'])
    await server.login('juliet', { password: 'R0m30' })
    await run(bard, 'change-user-password', { accountjid: 'juliet@test', password: 'new' })
    assert.deepEqual([await server.accounts.verifyPassword('juliet', 'R0m30'), await server.accounts.verifyPassword('juliet', 'new')], [false, true])
  })

  test('are disabled, which ends their sessions, and enabled again', async (t) => {
    const server = await start(t)
    const [bard, romeo] = [await server.login('bard'), await server.login('romeo')]
    await server.login('paris')
    await run(bard, 'disable-user', { accountjids: ['romeo@test', 'paris@test', 'ROMEO@test'] })
    assert.equal((await romeo.closed).error, 'not-authorized')
    assert.equal(await server.accounts.verifyPassword('romeo', 'romeo'), false)
    assert.equal(await value(bard, 'get-disabled-users-num', 'disabledusersnum'), '2')
    assert.deepEqual(valuesOf(await run(bard, 'get-disabled-users-list', { max_items: '25' }), 'disableduserjids'), ['paris@test', 'romeo@test'])
    await run(bard, 'reenable-user', { accountjids: ['romeo@test'] })
    await server.login('romeo')
  })

  test('are deleted; sessions are ended, all of an account or one', async (t) => {
    const server = await start(t)
    const bard = await server.login('bard')
    const [a, b, c] = [await server.login('romeo', { resource: 'a' }), await server.login('romeo', { resource: 'b' }), await server.login('romeo')]
    await run(bard, 'end-user-session', { accountjids: ['romeo@test/a'] })
    assert.equal((await a.closed).error, 'policy-violation')
    await b.sync()
    await run(bard, 'end-user-session', { accountjids: ['romeo@test'] })
    await Promise.all([b.closed, c.closed])
    const again = await server.login('romeo')
    await run(bard, 'delete-user', { accountjids: ['romeo@test'] })
    await again.closed
    assert.equal(await server.accounts.find('romeo'), undefined)
  })

  test('that are wrong are refused before anything is done', async (t) => {
    const server = await start(t)
    const bard = await server.login('bard')
    await server.login('romeo')
    const wrong: readonly [name: string, values: Values, condition: string][] = [
      ['add-user', { accountjid: 'romeo@test', password: 'x' }, 'conflict'],
      ['add-user', { accountjid: 'new@elsewhere', password: 'x' }, 'not-acceptable'],
      ['add-user', { accountjid: 'test', password: 'x' }, 'not-acceptable'],
      ['add-user', { accountjid: 'new@test', password: 'x', 'password-verify': 'y' }, 'not-acceptable'],
      ['add-user', { accountjid: 'new@test', password: 'x', email: 'e'.repeat(101) }, 'not-acceptable'],
      ['add-user', { accountjid: 'new@test', password: `x${'y'.repeat(1100)}` }, 'not-acceptable'],
      ['add-user', { accountjid: `${'n'.repeat(65)}@test`, password: 'x' }, 'jid-malformed'],
      ['add-user', { accountjid: '@test', password: 'x' }, 'bad-request'],
      ['add-user', { accountjid: 'new@test' }, 'bad-request'],
      ['add-user', {}, 'bad-request'],
      ['change-user-password', { accountjid: 'nobody@test', password: 'x' }, 'item-not-found'],
      ['delete-user', { accountjids: ['romeo@test', 'nobody@test'] }, 'item-not-found'],
      ['delete-user', { accountjids: ['romeo@test', 'bard@test'] }, 'not-allowed'],
      ['delete-user', { accountjids: [] }, 'bad-request'],
      ['disable-user', { accountjids: ['romeo@test', 'bard@test/x'] }, 'not-allowed'],
      ['disable-user', { accountjids: ['romeo@elsewhere'] }, 'item-not-found'],
      ['disable-user', { accountjids: Array.from({ length: 101 }, (_, i) => `u${i}@test`) }, 'not-acceptable'],
      ['end-user-session', { accountjids: ['nobody@test'] }, 'item-not-found'],
      ['user-stats', { accountjid: 'nobody@test' }, 'item-not-found'],
      ['get-user-roster', { accountjids: ['romeo@test', 'bard@test'] }, 'not-acceptable'],
      ['get-registered-users-list', { max_items: '7' }, 'bad-request'],
    ]
    for (const [name, values, condition] of wrong) assert.equal(await refused(bard, name, values), condition, `${name} ${JSON.stringify(values)}`)
    assert.deepEqual(
      (await server.accounts.list({ limit: 10 })).map((it) => [it.username, it.disabled]),
      [
        ['bard', false],
        ['romeo', false],
      ],
    )
  })
})

describe('what is asked about an account (§4.8 to §4.10)', () => {
  test('its roster, its last login, its sessions', async (t) => {
    const server = await start(t)
    const bard = await server.login('bard')
    const romeo = await server.login('romeo', { resource: 'orchard' })
    await romeo.request(
      '<iq type="set" id="r"><query xmlns="jabber:iq:roster"><item jid="juliet@test" name="Juliet"><group>Lovers</group></item></query></iq>',
    )
    ;(await server.login('stranger')).send('<presence type="subscribe" to="romeo@test"/>')
    const done = await run(bard, 'get-user-roster', { accountjids: ['romeo@test'] })
    assert.deepEqual(valuesOf(done, 'accountjids'), ['romeo@test'])
    const items = childElements(findChild(formOf(done) as Element, 'query', NS.roster) as Element)
    assert.deepEqual(items.map(String), ['<item jid="juliet@test" name="Juliet" subscription="none"><group>Lovers</group></item>'])

    const stats = await run(bard, 'user-stats', { accountjid: 'romeo@test' })
    assert.deepEqual(valuesOf(stats, 'onlineresources'), ['orchard'])
    assert.deepEqual(valuesOf(stats, 'rostersize'), ['1'])
    assert.match(valuesOf(stats, 'ipaddresses')[0] ?? '', /127\.0\.0\.1$/)

    await server.accounts.create({ username: 'never', password: 'x' })
    const here = await run(bard, 'get-user-lastlogin', { accountjids: ['romeo@test', 'never@test'] })
    assert.deepEqual(valuesOf(here, 'accountjids'), ['romeo@test'])
    assert.match(valuesOf(here, 'lastlogin')[0] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.match(here.getChildText('note') ?? '', /^never@test/)
  })
})

test('users are counted and listed: registered, online, active, idle (§4.13 to §4.22)', async (t) => {
  const server = await start(t)
  const bard = await server.login('bard')
  const [romeo] = [await server.login('romeo'), await server.login('juliet'), await server.login('nurse', { available: false })]
  for (let i = 0; i < 30; i++)
    await server.database
      .forPlugin('t')
      .knex('ofUser')
      .insert({ username: `x${i}`, creationDate: '0', modificationDate: '0' })
  romeo.send('<presence><show>xa</show></presence>')
  await romeo.sync()
  assert.equal(await value(bard, 'get-registered-users-num', 'registeredusersnum'), '34')
  assert.equal(await value(bard, 'get-online-users-num', 'onlineusersnum'), '4')
  assert.equal(await value(bard, 'get-active-users-num', 'activeusersnum'), '2')
  assert.equal(await value(bard, 'get-idle-users-num', 'idleusersnum'), '2')
  const list = async (name: string, field: string, max = '25') => valuesOf(await run(bard, name, { max_items: max }), field).sort()
  assert.deepEqual(await list('get-active-users', 'activeuserjids'), ['bard@test', 'juliet@test'])
  assert.deepEqual(await list('get-idle-users', 'activeuserjids'), ['nurse@test', 'romeo@test'])
  assert.equal((await list('get-online-users-list', 'onlineuserjids')).length, 4)
  assert.equal((await list('get-registered-users-list', 'registereduserjids', 'none')).length, 34)
  const cut = await run(bard, 'get-registered-users-list', { max_items: '25' })
  assert.equal(valuesOf(cut, 'registereduserjids').length, 25)
  assert.match(cut.getChildText('note') ?? '', /25/)
})

describe('messages (§4.23 to §4.28)', () => {
  test('an announcement reaches all who are here, and nobody later', async (t) => {
    const server = await start(t)
    const [bard, a, b] = [await server.login('bard'), await server.login('romeo'), await server.login('romeo')]
    const away = await server.login('nurse', { available: false })
    await run(bard, 'announce', { announcement: ['Down at noon.', 'Back at one.'] })
    for (const client of [bard, a, b]) {
      const heard = await client.receive('message')
      assert.deepEqual([heard.attrs.from, heard.attrs.type, heard.getChildText('body')], ['test', 'headline', 'Down at noon.\nBack at one.'])
    }
    away.send('<presence/>')
    await away.receiveNothing('message')
  })

  test('the message of the day is shown to each user once, now or at the next login', async (t) => {
    const server = await start(t)
    const [bard, romeo] = [await server.login('bard'), await server.login('romeo')]
    assert.equal(errorCondition(await request(bard, 'edit-motd')), 'item-not-found')
    await run(bard, 'set-motd', { motd: 'The Globe reopens.' })
    for (const client of [bard, romeo]) assert.equal((await client.receive('message')).getChildText('body'), 'The Globe reopens.')
    const juliet = await server.login('juliet')
    assert.equal((await juliet.receive('message')).getChildText('body'), 'The Globe reopens.')
    for (const name of ['juliet', 'romeo']) await (await server.login(name)).receiveNothing('message')
    const editing = commandOf(await request(bard, 'edit-motd'))
    assert.deepEqual(valuesOf(editing, 'motd'), ['The Globe reopens.'])
    await run(bard, 'edit-motd', { motd: 'The Globe reopens at tea.' })
    await romeo.receiveNothing('message')
    assert.equal((await (await server.login('nurse')).receive('message')).getChildText('body'), 'The Globe reopens at tea.')
    await run(bard, 'set-motd', { motd: 'Next' })
    assert.equal((await romeo.receive('message')).getChildText('body'), 'Next')
    await run(bard, 'delete-motd')
    await (await server.login('late')).receiveNothing('message')
    assert.equal(await refused(bard, 'set-motd', { motd: 'x'.repeat(10_001) }), 'not-acceptable')
    assert.equal(await refused(bard, 'set-motd', { motd: ' ' }), 'bad-request')
  })

  test('the message of the day outlives a restart', async (t) => {
    const first = await start(t)
    const bard = await first.login('bard')
    await run(bard, 'set-motd', { motd: 'Still true.' })
    await first.stop()
    const server = await start(t, { dataFolder: first.dataFolder })
    await (await server.login('bard')).receiveNothing('message')
    assert.equal((await (await server.login('romeo')).receive('message')).getChildText('body'), 'Still true.')
  })

  test('a new account is welcomed when it first logs in', async (t) => {
    const server = await start(t)
    const bard = await server.login('bard')
    await run(bard, 'set-welcome', { welcome: 'Welcome to Verona.' })
    assert.deepEqual(valuesOf(commandOf(await request(bard, 'set-welcome')), 'welcome'), ['Welcome to Verona.'])
    await server.accounts.create({ username: 'romeo', password: 'romeo' })
    const romeo = await server.login('romeo')
    const welcome = await romeo.receive('message')
    assert.deepEqual([welcome.attrs.from, welcome.getChildText('body')], ['test', 'Welcome to Verona.'])
    await run(bard, 'delete-welcome')
    await (await server.login('juliet')).receiveNothing('message')
    assert.deepEqual(bodies(romeo), [])
  })
})

test('administrators make others administrators, and keep their own rights (§4.29)', async (t) => {
  const server = await start(t)
  const [bard, nurse] = [await server.login('bard'), await server.login('nurse')]
  assert.equal(await refused(bard, 'edit-admin', { adminjids: ['bard@test', 'nobody@test'] }), 'item-not-found')
  const note = (await run(bard, 'edit-admin', { adminjids: ['nurse@test', 'chris@marlowe.lit'] })).getChildText('note')
  assert.match(note ?? '', /^bard@test/)
  assert.deepEqual(valuesOf(commandOf(await request(nurse, 'edit-admin')), 'adminjids'), ['bard@test', 'nurse@test', 'chris@marlowe.lit'])
  assert.equal(await refused(nurse, 'edit-admin', { adminjids: ['bard@test'] }), 'not-allowed')
  await run(bard, 'edit-admin', { adminjids: [] })
  assert.equal(errorCondition(await request(nurse, 'edit-admin')), 'forbidden')
  await run(bard, 'edit-admin', { adminjids: ['nurse@test'] })
  await server.accounts.remove('nurse')
  assert.equal(errorCondition(await request(await server.login('nurse'), 'edit-admin')), 'forbidden', 'whoever takes the name next has no rights')
})

test('each act is written down, refused ones too, without passwords', async (t) => {
  const server = await start(t)
  const bard = await server.login('bard')
  await run(bard, 'add-user', { accountjid: 'romeo@test', password: 'secret1', 'password-verify': 'secret1' })
  await refused(bard, 'add-user', { accountjid: 'romeo@test', password: 'secret2' })
  await run(bard, 'delete-motd')
  await run(bard, 'get-online-users-num')
  const entries = await audited(server)
  assert.deepEqual(
    entries.map((it) => `${it.administrator}: ${it.summary}`),
    ['bard: XMPP delete-motd → done', 'bard: XMPP add-user → conflict', 'bard: XMPP add-user → done'],
  )
  assert.deepEqual(JSON.parse(entries[2]?.details ?? '').fields, {
    accountjid: ['romeo@test'],
    password: '(redacted)',
    'password-verify': '(redacted)',
  })
  assert.ok(entries.every((it) => !it.details.includes('secret')))
})

test('a configuration that lists what is no JID does not start', async (t) => {
  await assert.rejects(start(t, { admins: ['bard@test', '@'] }), /admins\.1/)
})
