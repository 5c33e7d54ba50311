import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findChild, NS } from '@beaconfire/plugin-sdk'
import carbons from '../../../plugins/carbons/index.js'
import { plugins, romeoAndJuliet, say, search, stanzaId } from '../support/archive.js'

const HINT = (name: string) => `<${name} xmlns="urn:xmpp:hints"/>`

test('both sides of a conversation are archived, each in its own archive (XEP-0313 §3)', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  await say(romeo, 'juliet@test', 'one')
  await say(juliet, 'romeo@test', 'two')
  const [his, hers] = [await search(romeo), await search(juliet)]
  assert.deepEqual(
    [his.bodies, hers.bodies],
    [
      ['one', 'two'],
      ['one', 'two'],
    ],
  )
  assert.deepEqual(
    his.archived.map((it) => it.message.attrs.from),
    [romeo.jid.toString(), juliet.jid.toString()],
  )
  assert.deepEqual(
    his.ids.filter((id) => hers.ids.includes(id)),
    [],
  )
})

test('a message has its archive id as stanza-id when it arrives, and the stamp is its time of arrival (§3.4)', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  const before = Date.now()
  await say(romeo, 'juliet@test', 'one')
  const live = await juliet.receive('message')
  const { archived } = await search(juliet)
  assert.equal(archived[0]?.id, stanzaId(live, 'juliet@test'))
  const at = Date.parse(archived[0]?.stamp ?? '')
  assert.ok(at >= before && at <= Date.now())
})

test('the message is archived as it was delivered, with type, id, language and payloads', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  romeo.send(
    '<message to="juliet@test/balcony" id="m1" type="chat" xml:lang="it"><body>Ciao &amp; &lt;b&gt;</body><x xmlns="urn:test"><y a="1"/></x></message>',
  )
  await romeo.sync()
  for (const archive of [await search(romeo), await search(juliet)]) {
    const [{ message } = { message: undefined }] = archive.archived
    assert.ok(message)
    const { to, id, type, from } = message.attrs
    assert.deepEqual(
      { to, id, type, from, lang: message.attrs['xml:lang'] },
      { to: 'juliet@test/balcony', id: 'm1', type: 'chat', from: romeo.jid.toString(), lang: 'it' },
    )
    assert.equal(message.getChildText('body'), 'Ciao & <b>')
    assert.equal(message.getChild('x', 'urn:test')?.getChild('y')?.attrs.a, '1')
    assert.deepEqual(message.getChildren('stanza-id'), [])
  }
})

test('a kept message is handed over with the id it has in the archive, and is there once', async (t) => {
  const { server, romeo } = await romeoAndJuliet(t)
  await server.accounts.create({ username: 'nurse', password: 'nurse' })
  await say(romeo, 'nurse@test', 'later')
  const nurse = await server.login('nurse')
  const kept = await nurse.receive('message')
  const { ids, bodies } = await search(nurse)
  assert.deepEqual(bodies, ['later'])
  assert.deepEqual(ids, [stanzaId(kept, 'nurse@test')])
})

test('a message that reaches several resources, and carbons of it, are archived once (§6.1.1)', async (t) => {
  const { server, romeo, juliet } = await romeoAndJuliet(t, { plugins: [...plugins, carbons] })
  const [chamber, phone] = [await server.login('juliet'), await server.login('romeo')]
  for (const it of [chamber, phone]) await it.request('<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
  await say(romeo, 'juliet@test', 'to all')
  await say(romeo, 'juliet@test/balcony', 'to one')
  assert.deepEqual((await search(juliet)).bodies, ['to all', 'to one'])
  assert.deepEqual((await search(romeo)).bodies, ['to all', 'to one'])
})

test('a message to oneself is archived once, and is found by the own address (§4.1.1)', async (t) => {
  const { romeo } = await romeoAndJuliet(t)
  await say(romeo, 'romeo@test', 'note')
  romeo.send('<message type="chat"><body>without to</body></message>')
  await say(romeo, 'juliet@test', 'other')
  assert.deepEqual((await search(romeo)).bodies, ['note', 'without to', 'other'])
  assert.deepEqual((await search(romeo, { fields: { with: 'romeo@test' } })).bodies, ['note', 'without to'])
})

test('only conversation is archived: bodies, encrypted ones, and what its sender wants kept (§6.1.1, XEP-0334)', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  const messages = [
    ['normal', '<body>normal</body>'],
    ['chat', '<encryption xmlns="urn:xmpp:eme:0" namespace="urn:x"/>'],
    ['chat', `<received xmlns="urn:xmpp:receipts" id="r"/>${HINT('store')}`],
    ['headline', `<body>kept headline</body>${HINT('store')}`],
    ['headline', '<body>headline</body>'],
    ['groupchat', `<body>room</body>${HINT('store')}`],
    ['error', `<body>error</body>${HINT('store')}`],
    ['chat', `<body>secret</body>${HINT('no-store')}`],
    ['chat', `<body>secret</body>${HINT('no-permanent-store')}${HINT('store')}`],
    ['chat', '<composing xmlns="http://jabber.org/protocol/chatstates"/>'],
    ['chat', '<received xmlns="urn:xmpp:receipts" id="r"/>'],
    ['chat', '<displayed xmlns="urn:xmpp:chat-markers:0" id="r"/>'],
    ['normal', '<subject>only</subject>'],
  ]
  for (const [type, payload] of messages) romeo.send(`<message to="juliet@test/balcony" type="${type}">${payload}</message>`)
  await romeo.sync()
  for (const archive of [await search(romeo), await search(juliet)]) {
    assert.deepEqual(archive.bodies, ['normal', undefined, undefined, 'kept headline'])
  }
})

test('what is not archived has no stanza-id, which would be taken for one of the archive', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  romeo.send(`<message to="juliet@test" type="chat"><body>secret</body>${HINT('no-store')}</message>`)
  assert.equal(stanzaId(await juliet.receive('message'), 'juliet@test'), undefined)
})

test('a message that is refused is not in the archive of who refused it (§6.1)', async (t) => {
  const { server, romeo } = await romeoAndJuliet(t, { plugins: plugins.filter((it) => it.name !== 'offline-storage') })
  await server.accounts.create({ username: 'nurse', password: 'nurse' })
  await say(romeo, 'nurse@test', 'refused')
  await romeo.receive('message')
  assert.deepEqual((await search(await server.login('nurse'))).bodies, [])
})

test('an answer to a later stanza comes when messages before it are on disk', async (t) => {
  const { server, romeo } = await romeoAndJuliet(t)
  await say(romeo, 'juliet@test', 'durable')
  const { knex } = server.database.forPlugin('mam')
  assert.equal((await knex('ofMamArchive')).length, 2)
})

test('with an account its archive and its preferences go; a new one of that name begins empty', async (t) => {
  const { server, romeo, juliet } = await romeoAndJuliet(t)
  await juliet.request('<iq type="set"><prefs xmlns="urn:xmpp:mam:2" default="roster"/></iq>')
  await say(romeo, 'romeo@test', 'mine')
  await say(juliet, 'juliet@test', 'hers')
  await server.accounts.remove('juliet')
  await juliet.closed
  const again = await server.login('juliet')
  assert.deepEqual((await search(again)).bodies, [])
  const prefs = findChild(await again.request('<iq type="get"><prefs xmlns="urn:xmpp:mam:2"/></iq>'), 'prefs', NS.mam)
  assert.equal(prefs?.attrs.default, 'always')
  assert.deepEqual((await search(romeo)).bodies, ['mine'])
})
