/** Stream management (XEP-0198) together with carbons, and where a client is told to resume. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, TestClient, type TestServer, type TestStream } from '@beaconfire/plugin-sdk/testing'

const SM = NS.streamManagement
const chat = (to: string, body: string) => element('message', { to, type: 'chat', id: body }, element('body', {}, body))

async function enable(client: TestClient, attributes: Record<string, string> = { resume: 'true' }): Promise<Element> {
  client.send(element('enable', { xmlns: SM, ...attributes }))
  return client.receive((el) => el.is('enabled', SM))
}

async function resume(server: TestServer, name: string, previd: string): Promise<TestStream> {
  const stream = await server.connect()
  await stream.open()
  await stream.authenticate('PLAIN', name, name)
  await stream.open()
  stream.send(element('resume', { xmlns: SM, previd, h: 0 }))
  await stream.receive((el) => el.is('resumed', SM))
  return stream
}

/** What a carbon is, or the body of any other message. */
function kindOf(message: Element): string | null {
  for (const name of ['received', 'sent']) if (message.getChild(name, NS.carbons)) return name
  return message.getChildText('body')
}

test('the place to resume at is told, and only to clients that may resume', async (t) => {
  const server = await startTestServer(t, { config: { streamManagement: { location: '[2001:db8::1]:5222', resumeSeconds: 20 } } })
  const { location, max } = (await enable(await server.login('juliet'))).attrs
  assert.deepEqual([location, max], ['[2001:db8::1]:5222', '20'])
  assert.equal((await enable(await server.login('romeo'), {})).attrs.location, undefined)
})

test('carbons and messages come in their order after a resumption, and carbons are not given back', async (t) => {
  const server = await startTestServer(t, { config: { streamManagement: { resumeSeconds: 2 } } })
  const romeo = await server.login('romeo')
  const [balcony, garden] = [await server.login('juliet', { resource: 'balcony' }), await server.login('juliet', { resource: 'garden' })]
  await balcony.request(element('iq', { type: 'set' }, element('enable', { xmlns: NS.carbons })))
  const { id } = (await enable(balcony)).attrs
  balcony.drop()
  await balcony.closed
  romeo.send(chat('juliet@test/garden', '1'))
  await garden.receive('message')
  romeo.send(chat('juliet@test/balcony', '2'))
  await romeo.sync()
  garden.send(chat('romeo@test', '3'))
  await romeo.receive('message')
  const again = new TestClient(await resume(server, 'juliet', id), balcony.jid)
  const came = [await again.receive('message'), await again.receive('message'), await again.receive('message')]
  assert.deepEqual(came.map(kindOf), ['received', '2', 'sent'])
  again.drop()
  const given = await garden.receive('message')
  assert.deepEqual([kindOf(given), given.getChild('delay', NS.delay)?.attrs.from], ['2', 'test'])
  await garden.receiveNothing('message')
})
