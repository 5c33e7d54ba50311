import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, type TestClient } from '@beaconfire/plugin-sdk/testing'
import { plugins, romeoAndJuliet, say, search, stanzaId } from './support/archive.js'

const set = (client: TestClient, behavior: string, content = '') =>
  client.request(`<iq type="set"><prefs xmlns="urn:xmpp:mam:2" default="${behavior}">${content}</prefs></iq>`)
const get = (client: TestClient) => client.request('<iq type="get"><prefs xmlns="urn:xmpp:mam:2"/></iq>')
const list = (name: string, ...jids: string[]) => `<${name}>${jids.map((it) => `<jid>${it}</jid>`).join('')}</${name}>`

function told(answer: Element) {
  const prefs = findChild(answer, 'prefs', NS.mam)
  const jids = (name: string) => {
    const found = prefs && findChild(prefs, name)
    return found && childElements(found).map((it) => it.getText())
  }
  return { behavior: prefs?.attrs.default, always: jids('always'), never: jids('never') }
}

test('who has said nothing is told what holds by configuration, with both lists empty (XEP-0441 §2.1)', async (t) => {
  const { romeo } = await romeoAndJuliet(t)
  assert.deepEqual(told(await get(romeo)), { behavior: 'always', always: [], never: [] })
})

test('what is set is answered in prepared form, without doubles, and stays over a restart', async (t) => {
  const { server, romeo } = await romeoAndJuliet(t)
  const applied = { behavior: 'roster', always: ['juliet@test'], never: ['montague@test/Hall', 'test'] }
  const answer = await set(romeo, 'roster', list('always', 'JULIET@TEST', 'juliet@test') + list('never', 'Montague@Test/Hall', 'test'))
  assert.deepEqual(told(answer), applied)
  assert.deepEqual(told(await get(romeo)), applied)
  await server.stop()
  const { romeo: again } = await romeoAndJuliet(t, { plugins, config: { dataFolder: server.dataFolder } })
  assert.deepEqual(told(await get(again)), applied)
  assert.deepEqual(told(await set(again, 'never')), { behavior: 'never', always: [], never: [] })
})

test('never is obeyed at both ends, by each for its own archive', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  await set(romeo, 'never')
  await say(romeo, 'juliet@test', 'one')
  await say(juliet, 'romeo@test', 'two')
  assert.equal(stanzaId(await romeo.receive('message'), 'romeo@test'), undefined)
  assert.deepEqual((await search(romeo)).bodies, [])
  assert.deepEqual((await search(juliet)).bodies, ['one', 'two'])
})

test('the lists go before the default; a bare address stands for all resources, a full one for itself (§2.3)', async (t) => {
  const { server, romeo } = await romeoAndJuliet(t)
  await server.login('nurse', { resource: 'home' })
  await set(romeo, 'never', list('always', 'juliet@test', 'nurse@test/home'))
  await say(romeo, 'juliet@test/balcony', 'a')
  await say(romeo, 'nurse@test', 'b')
  await say(romeo, 'nurse@test/home', 'c')
  await set(romeo, 'always', list('always', 'juliet@test') + list('never', 'juliet@test/balcony', 'nurse@test'))
  await say(romeo, 'juliet@test/balcony', 'd')
  await say(romeo, 'juliet@test', 'e')
  await say(romeo, 'nurse@test/home', 'f')
  await say(romeo, 'romeo@test', 'g')
  assert.deepEqual((await search(romeo)).bodies, ['a', 'c', 'e', 'g'])
})

test('roster: messages of contacts are archived, those of strangers and of who merely asked are not', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  await set(romeo, 'roster')
  await say(juliet, 'romeo@test', 'stranger')
  juliet.send('<presence to="romeo@test" type="subscribe"/>')
  await say(juliet, 'romeo@test', 'asked')
  await romeo.request('<iq type="set"><query xmlns="jabber:iq:roster"><item jid="juliet@test"/></query></iq>')
  await say(juliet, 'romeo@test', 'contact')
  await say(romeo, 'juliet@test/balcony', 'answer')
  assert.deepEqual((await search(romeo)).bodies, ['contact', 'answer'])
})

test('what is preferred by configuration holds for those who have said nothing', async (t) => {
  const { romeo } = await romeoAndJuliet(t, { plugins, config: { plugins: { settings: { mam: { default: 'never' } } } } })
  assert.equal(told(await get(romeo)).behavior, 'never')
  await say(romeo, 'juliet@test', 'a')
  assert.deepEqual((await search(romeo)).bodies, [])
})

for (const [what, behavior, content, condition] of [
  ['another default', 'sometimes', '', 'bad-request'],
  ['no default', '', '', 'bad-request'],
  ['a list given twice', 'always', '<never/><never/>', 'bad-request'],
  ['something else in a list', 'always', '<never><name>x</name></never>', 'bad-request'],
  ['an element of another namespace in a list', 'always', '<never><jid xmlns="urn:test">a@b</jid></never>', 'bad-request'],
  ['what is no address', 'always', list('always', '@'), 'jid-malformed'],
  ['an empty address', 'always', list('always', ''), 'jid-malformed'],
  ['more addresses than anybody needs', 'always', list('always', ...Array.from({ length: 1001 }, (_, i) => `u${i}@x`)), 'policy-violation'],
] as const) {
  test(`preferences with ${what} are refused with ${condition}, and change nothing`, async (t) => {
    const { romeo } = await romeoAndJuliet(t)
    await set(romeo, 'roster', list('never', 'juliet@test'))
    assert.equal(errorCondition(await set(romeo, behavior, content)), condition)
    assert.deepEqual(told(await get(romeo)), { behavior: 'roster', always: [], never: ['juliet@test'] })
  })
}
