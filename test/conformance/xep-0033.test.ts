import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope, type TestServerOptions } from '@beaconfire/plugin-sdk/testing'
import disco from '../../plugins/disco/index.js'
import multicast from '../../plugins/multicast/index.js'
import offlineStorage from '../../plugins/offline-storage/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

const plugins = [roster, presence, disco, offlineStorage, multicast]

const address = (type: string, jid: string, more = '') => `<address type="${type}" jid="${jid}" ${more}/>`
const addresses = (...content: string[]) => `<addresses xmlns="http://jabber.org/protocol/address">${content.join('')}</addresses>`
const message = (...content: string[]) => `<message to="test" id="m" type="chat"><body>Hi</body>${addresses(...content)}</message>`

async function people(t: TestScope, options: TestServerOptions = { plugins }) {
  const server = await startTestServer(t, options)
  const [romeo, juliet, nurse, tybalt] = await Promise.all(['romeo', 'juliet', 'nurse', 'tybalt'].map((it) => server.login(it)))
  assert.ok(romeo && juliet && nurse && tybalt)
  return { server, romeo, juliet, nurse, tybalt }
}

/** `type jid delivered` of each address. */
function seen(stanza: Element): string[] {
  const list = findChild(stanza, 'addresses', NS.addresses)
  return (list ? childElements(list) : []).map(({ attrs }) => [attrs.type, attrs.jid, attrs.delivered].filter((it) => it !== undefined).join(' '))
}

const isMessage = (el: Element) => el.getName() === 'message'

test('the server says that it can (XEP-0033 §2.1)', async (t) => {
  const { romeo } = await people(t)
  const info = await romeo.request('<iq type="get" to="test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  assert.ok(childElements(info.getChild('query') ?? info).some((it) => it.attrs.var === NS.addresses))
})

test('each recipient gets a copy from the sender, marked as delivered; blind ones are seen by themselves alone (§4.6, §4.7.3)', async (t) => {
  const { romeo, juliet, nurse, tybalt } = await people(t)
  romeo.send(
    message(
      address('to', 'juliet@test', 'desc="Juliet"'),
      address('cc', 'nurse@test'),
      address('bcc', 'tybalt@test'),
      address('replyto', 'romeo@test'),
    ),
  )
  const open = ['to juliet@test true', 'cc nurse@test true', 'replyto romeo@test']
  for (const [client, expected] of [
    [juliet, open],
    [nurse, open],
    [tybalt, [...open, 'bcc tybalt@test']],
  ] as const) {
    const copy = await client.receive('message')
    const { from, to, id, type } = copy.attrs
    assert.deepEqual({ from, to, id, type }, { from: romeo.jid.toString(), to: client.jid.bare().toString(), id: 'm', type: 'chat' })
    assert.equal(copy.getChildText('body'), 'Hi')
    assert.deepEqual(seen(copy), expected)
  }
  await romeo.receiveNothing(isMessage)
})

test('nobody gets it twice, and what was delivered already is not delivered again (§4.6)', async (t) => {
  const { romeo, juliet, nurse, tybalt } = await people(t)
  romeo.send(
    message(
      address('to', 'juliet@test'),
      address('cc', 'JULIET@test'),
      address('bcc', 'juliet@test'),
      address('to', 'nurse@test', 'delivered="true"'),
      address('bcc', 'tybalt@test'),
      address('bcc', 'tybalt@test'),
    ),
  )
  await romeo.sync()
  const copy = await juliet.receive('message')
  assert.deepEqual(seen(copy), ['to juliet@test true', 'cc JULIET@test true', 'to nurse@test true'])
  await juliet.receiveNothing(isMessage)
  await nurse.receiveNothing(isMessage)
  await tybalt.receive('message')
  await tybalt.receiveNothing(isMessage)
})

test('absent recipients get it later, and nobody learns of those who do not exist', async (t) => {
  const { server, romeo, juliet } = await people(t)
  await juliet.close()
  romeo.send(message(address('to', 'juliet@test'), address('to', 'nobody@test')))
  await romeo.receiveNothing(isMessage)
  const again = await server.login('juliet')
  assert.equal((await again.receive('message')).getChildText('body'), 'Hi')
})

test('what the server cannot deliver itself, and a reply that is not wanted, go along (§4)', async (t) => {
  const { romeo, juliet } = await people(t)
  romeo.send(
    message(address('to', 'juliet@test'), '<address type="noreply"/>', '<address type="replyto" uri="im:romeo@test"/>', '<other xmlns="urn:test"/>'),
  )
  const copy = await juliet.receive('message')
  assert.deepEqual(seen(copy), ['to juliet@test true', 'noreply', 'replyto', ''])
})

test('presence reaches those it is addressed to, who hear when the sender goes (§5.1)', async (t) => {
  const { romeo, juliet, nurse } = await people(t)
  const show = (to: string, type = '') => romeo.send(`<presence to="test" ${type}><status>hi</status>${addresses(address('bcc', to))}</presence>`)
  show('juliet@test')
  show('nurse@test')
  assert.equal((await juliet.receive('presence')).attrs.from, romeo.jid.toString())
  await nurse.receive('presence')
  show('nurse@test', 'type="unavailable"')
  assert.equal((await nurse.receive('presence')).attrs.type, 'unavailable')
  romeo.send('<presence type="unavailable"/>')
  assert.equal((await juliet.receive('presence')).attrs.type, 'unavailable')
  await romeo.close()
  for (const it of [juliet, nurse]) await it.receiveNothing('presence')
})

test('they hear it once, too, when the sender is lost, or takes its presence to the service back', async (t) => {
  const { romeo, juliet, nurse } = await people(t)
  for (const sender of [romeo, nurse]) sender.send(`<presence to="test">${addresses(address('to', 'juliet@test'))}</presence>`)
  await juliet.receive('presence')
  await juliet.receive('presence')
  nurse.send('<presence to="test" type="unavailable"/>')
  assert.equal((await juliet.receive((el) => el.attrs.type === 'unavailable')).attrs.from, nurse.jid.toString())
  romeo.drop()
  assert.equal((await juliet.receive((el) => el.attrs.type === 'unavailable')).attrs.from, romeo.jid.toString())
  await nurse.close()
  await juliet.receiveNothing('presence')
})

for (const [what, content, condition] of [
  ['no address', [], 'bad-request'],
  ['an address without type', ['<address jid="juliet@test"/>'], 'bad-request'],
  ['an unknown type', [address('fwd', 'juliet@test')], 'bad-request'],
  ['an empty address', ['<address type="replyto"/>'], 'bad-request'],
  ['a recipient that is a name alone', ['<address type="to" desc="Juliet"/>'], 'bad-request'],
  ['an address that is both', [address('to', 'juliet@test', 'uri="im:juliet@test"')], 'bad-request'],
  ['a node at a URI', ['<address type="replyto" uri="im:juliet@test" node="n"/>'], 'bad-request'],
  ['a URI to deliver to', ['<address type="cc" uri="sip:juliet@test"/>'], 'jid-malformed'],
  ['an address that is no JID', [address('to', '@')], 'jid-malformed'],
  ['more than 50 addresses', Array.from({ length: 51 }, (_, i) => address('to', `u${i}@test`)), 'not-acceptable'],
] as const) {
  test(`a message with ${what} is refused with ${condition}, and nobody gets it (§9)`, async (t) => {
    const { romeo, juliet } = await people(t)
    romeo.send(message(...(content.length > 0 && condition !== 'not-acceptable' ? [address('to', 'juliet@test')] : []), ...content))
    assert.equal(errorCondition(await romeo.receive('message')), condition)
    await juliet.receiveNothing(isMessage)
  })
}

test('two lists, and requests to subscribe, are refused', async (t) => {
  const { romeo, juliet } = await people(t)
  const list = addresses(address('to', 'juliet@test'))
  romeo.send(`<message to="test">${list}${list}</message>`)
  assert.equal(errorCondition(await romeo.receive('message')), 'bad-request')
  romeo.send(`<presence to="test" type="probe">${list}</presence>`)
  assert.equal(errorCondition(await romeo.receive((el) => el.attrs.type === 'error')), 'bad-request')
  await juliet.receiveNothing((el) => el.getName() !== 'iq')
})

test('presence to too many is refused, and reaches none of them', async (t) => {
  const config = { plugins: { settings: { multicast: { mostPresenceRecipients: 2 } } } }
  const { romeo, juliet } = await people(t, { plugins, config })
  romeo.send(`<presence to="test">${addresses(...['juliet', 'nurse', 'tybalt'].map((it) => address('to', `${it}@test`)))}</presence>`)
  assert.equal(errorCondition(await romeo.receive((el) => el.attrs.type === 'error')), 'resource-constraint')
  await juliet.receiveNothing('presence')
})

test('a message without addresses, or to a resource of the server, is refused as ever; between users addresses pass as they are (§3)', async (t) => {
  const { romeo, juliet } = await people(t)
  const refused = async (client: TestClient) => errorCondition(await client.receive('message'))
  romeo.send('<message to="test"><body>Hi</body></message>')
  assert.equal(await refused(romeo), 'service-unavailable')
  romeo.send(message(address('to', 'juliet@test')).replace('to="test"', 'to="test/x"'))
  assert.equal(await refused(romeo), 'service-unavailable')
  romeo.send(message(address('to', 'nurse@test'), address('bcc', 'tybalt@test')).replace('to="test"', 'to="juliet@test"'))
  assert.deepEqual(seen(await juliet.receive('message')), ['to nurse@test', 'bcc tybalt@test'])
})

test('a message that names the server as recipient ends there', async (t) => {
  const { romeo, juliet } = await people(t)
  romeo.send(message(address('bcc', 'test'), address('to', 'juliet@test')))
  await juliet.receive('message')
  await romeo.receiveNothing(isMessage)
  await juliet.receiveNothing(isMessage)
})
