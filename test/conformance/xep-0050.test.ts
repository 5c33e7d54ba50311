/** Ad-hoc commands over sockets (XEP-0050): found, begun, led through their forms, given up, and bad requests. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Command, childElements, definePlugin, type Element, findChild, NS, resultForm, StanzaError } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import adhoc from '../../plugins/adhoc/index.js'
import disco from '../../plugins/disco/index.js'
import roster from '../../plugins/roster/index.js'

const service = { name: 'service', type: 'list-single', required: true, options: [{ value: 'httpd' }, { value: 'jabberd' }] } as const
const commands: readonly Command[] = [
  { node: 'list', name: 'List <services>', allowed: 'users', execute: () => ({ result: resultForm({ fields: [{ name: 'a', value: 'b' }] }) }) },
  {
    node: 'config',
    name: 'Configure',
    allowed: 'users',
    execute: ({ user }) => ({
      form: { formType: 'urn:test:config', title: `For ${user}`, fields: [service] },
      isLast: false,
      submit: async (first) => ({
        form: { formType: 'urn:test:config', fields: [{ name: 'state', type: 'boolean' }] },
        submit(second) {
          if (second.flag('state') === undefined) throw new StanzaError('conflict', { text: 'On or off?' })
          return { notes: [{ text: `${first.value('service')} ${second.flag('state')}` }, { type: 'warn', text: 'Restart it.' }] }
        },
      }),
    }),
  },
  { node: 'admin', name: 'Admin', allowed: 'admins', execute: () => ({}) },
  { node: 'own', name: 'Own', allowed: (user) => user.local === 'juliet', execute: () => ({}) },
  { node: 'broken', name: 'Broken', allowed: 'users', execute: () => Promise.reject(new Error('a bug')) },
]
const machine = definePlugin({ name: 'machine', version: '1.0.0', setup: () => ({ commands }) })

const start = (t: TestScope, config = {}) =>
  startTestServer(t, { plugins: [roster, disco, adhoc, machine], config: { admins: ['Bard@test'], ...config } })

const command = (attributes: string, content = '', to = 'test') =>
  `<iq type="set" to="${to}" id="c"><command xmlns="http://jabber.org/protocol/commands" ${attributes}>${content}</command></iq>`
async function run(client: TestClient, attributes: string, content = ''): Promise<Element> {
  const answer = await client.request(command(attributes, content))
  assert.equal(answer.attrs.type, 'result', String(answer))
  return findChild(answer, 'command', NS.commands) as Element
}
const submit = (field: string, value: string) => `<x xmlns="jabber:x:data" type="submit"><field var="${field}"><value>${value}</value></field></x>`
const actions = (el: Element) => {
  const offered = el.getChild('actions') as Element
  return [offered.attrs.execute, ...childElements(offered).map((it) => it.getName())].join(' ')
}
/** The general condition, then the specific one. */
async function refusal(client: TestClient, attributes: string, content = ''): Promise<string> {
  const answer = await client.request(command(attributes, content))
  const specific = childElements(findChild(answer, 'error') as Element).find((it) => it.getNS() === NS.commands)
  return [errorCondition(answer), specific?.getName()].filter(Boolean).join(' ')
}
const query = async (client: TestClient, what: 'info' | 'items', node: string) =>
  client.request(`<iq type="get" to="test" id="d"><query xmlns="http://jabber.org/protocol/disco#${what}" node="${node}"/></iq>`)

describe('in service discovery', () => {
  test('each sees the commands that are for them (§2.2)', async (t) => {
    const server = await start(t)
    const [juliet, romeo, bard] = [await server.login('juliet'), await server.login('romeo'), await server.login('bard')]
    const listed = async (client: TestClient) => {
      const items = findChild(await query(client, 'items', NS.commands), 'query', NS.discoItems)
      assert.equal(items?.attrs.node, NS.commands)
      for (const it of childElements(items)) assert.equal(it.attrs.jid, 'test')
      return childElements(items).map((it) => it.attrs.node)
    }
    assert.deepEqual(await listed(juliet), ['list', 'config', 'own', 'broken'])
    assert.deepEqual(await listed(romeo), ['list', 'config', 'broken'])
    assert.deepEqual(await listed(bard), ['list', 'config', 'admin', 'broken'])
  })

  test('the list and a command say what they are; one that is not for the asker is forbidden (§2.1, §2.2)', async (t) => {
    const juliet = await (await start(t)).login('juliet')
    const info = async (node: string) => childElements(findChild(await query(juliet, 'info', node), 'query', NS.discoInfo) as Element).map(String)
    assert.ok((await info('list')).includes('<identity category="automation" type="command-node" name="List &lt;services&gt;"/>'))
    assert.ok((await info('list')).includes('<feature var="http://jabber.org/protocol/commands"/>'))
    assert.ok((await info('list')).includes('<feature var="jabber:x:data"/>'))
    assert.ok((await info(NS.commands)).some((it) => it.includes('type="command-list"')))
    for (const what of ['info', 'items'] as const) {
      assert.equal(errorCondition(await query(juliet, what, 'admin')), 'forbidden')
      assert.equal(errorCondition(await query(juliet, what, 'nothing')), 'item-not-found')
    }
    const own = await juliet.request('<iq type="get" to="test" id="d"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
    assert.ok(String(own).includes('"http://jabber.org/protocol/commands"'))
  })
})

describe('a command', () => {
  test('without a form is done at once (§2.4.1)', async (t) => {
    const juliet = await (await start(t)).login('juliet')
    const done = await run(juliet, 'node="list"')
    assert.deepEqual([done.attrs.status, done.attrs.node, typeof done.attrs.sessionid], ['completed', 'list', 'string'])
    assert.equal(findChild(done, 'x', NS.dataForm)?.attrs.type, 'result')
  })

  test('goes from form to form, back, and on to its end (§2.4.2)', async (t) => {
    const juliet = await (await start(t)).login('juliet')
    const first = await run(juliet, 'node="config" action="execute"')
    const { sessionid } = first.attrs
    assert.deepEqual([first.attrs.status, actions(first)], ['executing', 'next next'])
    assert.equal(findChild(first, 'x', NS.dataForm)?.getChildText('title'), `For ${juliet.jid}`)
    const on = (action: string, content = '') => run(juliet, `node="config" sessionid="${sessionid}" ${action}`, content)
    const second = await on('action="next"', submit('service', 'httpd'))
    assert.deepEqual([second.attrs.sessionid, actions(second)], [sessionid, 'complete prev complete'])
    assert.equal(actions(await on('action="prev"')), 'next next')
    await on('', submit('service', 'jabberd'))
    const done = await on('action="complete"', submit('state', 'true'))
    assert.equal(done.attrs.status, 'completed')
    assert.deepEqual(done.getChildren('note').map(String), ['<note type="info">jabberd true</note>', '<note type="warn">Restart it.</note>'])
    assert.equal(await refusal(juliet, `node="config" sessionid="${sessionid}"`), 'bad-request bad-sessionid')
  })

  test('can be given up at any stage (§2.4.3)', async (t) => {
    const juliet = await (await start(t)).login('juliet')
    const { sessionid } = (await run(juliet, 'node="config"')).attrs
    const given = await run(juliet, `node="config" sessionid="${sessionid}" action="cancel"`)
    assert.deepEqual([given.attrs.status, given.attrs.sessionid, given.children.length], ['canceled', sessionid, 0])
    assert.equal(await refusal(juliet, `node="config" sessionid="${sessionid}" action="cancel"`), 'bad-request bad-sessionid')
  })

  test('that refuses what was filled in can be tried again', async (t) => {
    const juliet = await (await start(t)).login('juliet')
    const { sessionid } = (await run(juliet, 'node="config"')).attrs
    const same = `node="config" sessionid="${sessionid}"`
    await run(juliet, same, submit('service', 'httpd'))
    assert.equal(await refusal(juliet, same, submit('other', '')), 'conflict')
    assert.equal((await run(juliet, same, submit('state', '0'))).attrs.status, 'completed')
  })

  test('is for those it is for', async (t) => {
    const server = await start(t)
    const [juliet, romeo, bard] = [await server.login('juliet'), await server.login('romeo'), await server.login('bard')]
    assert.equal((await run(bard, 'node="admin"')).attrs.status, 'completed')
    assert.equal((await run(juliet, 'node="own"')).attrs.status, 'completed')
    for (const node of ['own', 'admin']) assert.equal(await refusal(romeo, `node="${node}"`), 'forbidden')
    const { sessionid } = (await run(juliet, 'node="config"')).attrs
    for (const client of [romeo, await server.login('juliet')]) {
      assert.equal(await refusal(client, `node="config" sessionid="${sessionid}" action="cancel"`), 'bad-request bad-sessionid')
    }
    assert.equal((await run(juliet, `node="config" sessionid="${sessionid}" action="cancel"`)).attrs.status, 'canceled')
  })

  test('that is begun too often lets the oldest go', async (t) => {
    const server = await start(t, { plugins: { settings: { adhoc: { maxSessionsPerUser: 2, maxSessions: 3 } } } })
    const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
    const begun = [await run(juliet, 'node="config"'), await run(juliet, 'node="config"'), await run(juliet, 'node="config"')]
    const ids = begun.map((it) => it.attrs.sessionid)
    assert.equal(new Set(ids).size, 3)
    assert.equal(await refusal(juliet, `node="config" sessionid="${ids[0]}"`, submit('service', 'httpd')), 'not-allowed session-expired')
    await run(romeo, 'node="config"')
    assert.equal(await refusal(romeo, 'node="config"'), 'resource-constraint')
    await juliet.close()
    await run(romeo, 'node="config"')
  })

  test('whose plugin has a bug says no more than that', async (t) => {
    const juliet = await (await start(t)).login('juliet')
    assert.equal(await refusal(juliet, 'node="broken"'), 'internal-server-error')
  })
})

test('a request that makes no sense gets the error of §4.4, and leaves the command where it is', async (t) => {
  const juliet = await (await start(t)).login('juliet')
  const { sessionid } = (await run(juliet, 'node="config"')).attrs
  const same = `node="config" sessionid="${sessionid}"`
  const wrong: readonly [attributes: string, content: string, refusal: string][] = [
    ['', '', 'bad-request'],
    ['node=""', '', 'bad-request'],
    ['node="nothing"', '', 'item-not-found'],
    ['node="list" action="jump"', '', 'bad-request malformed-action'],
    ['node="list" action=""', '', 'bad-request malformed-action'],
    ['node="list" action="next"', '', 'bad-request bad-action'],
    ['node="list" action="cancel"', '', 'bad-request bad-action'],
    ['node="config" sessionid="made-up"', '', 'bad-request bad-sessionid'],
    ['node="config" sessionid=""', '', 'bad-request bad-sessionid'],
    [`node="list" sessionid="${sessionid}"`, '', 'bad-request bad-sessionid'],
    [`${same} action="prev"`, '', 'bad-request bad-action'],
    [`${same} action="complete"`, submit('service', 'httpd'), 'bad-request bad-action'],
    [same, '', 'bad-request bad-payload'],
    [same, '<x xmlns="urn:x"/>', 'bad-request bad-payload'],
    [same, '<x xmlns="jabber:x:data" type="form"/>', 'bad-request bad-payload'],
    [same, submit('FORM_TYPE', 'urn:other'), 'bad-request bad-payload'],
    [same, submit('service', ''), 'bad-request bad-payload'],
    [same, submit('service', 'smtpd'), 'bad-request bad-payload'],
    [same, '<x xmlns="jabber:x:data" type="submit"><field var="service"/><field var="service"/></x>', 'bad-request bad-payload'],
  ]
  for (const [attributes, content, expected] of wrong) assert.equal(await refusal(juliet, attributes, content), expected, attributes + content)
  assert.equal(actions(await run(juliet, same, submit('service', 'httpd'))), 'complete prev complete')
  for (const to of ['juliet@test', 'romeo@test'])
    assert.equal(errorCondition(await juliet.request(command('node="list"', '', to))), 'service-unavailable')
})

test('two commands of one node do not load', async (t) => {
  const rival = definePlugin({ name: 'rival', version: '1.0.0', setup: () => ({ commands: commands.slice(0, 1) }) })
  const server = await startTestServer(t, { plugins: [adhoc, machine, rival] })
  assert.equal(server.plugins.find('rival')?.state, 'failed')
  assert.match(server.plugins.find('rival')?.error ?? '', /command "list"/)
})
