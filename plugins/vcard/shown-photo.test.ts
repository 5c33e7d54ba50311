/** The photo's hash in presence, over sockets (XEP-0153, XEP-0398 §4). */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { childText, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import presence from '../presence/index.js'
import roster from '../roster/index.js'
import vcard from './index.js'

const start = (t: TestScope, settings = {}) =>
  startTestServer(t, { plugins: [roster, presence, vcard], config: { plugins: { settings: { vcard: settings } } } })

const sha1 = (image: string) => createHash('sha1').update(image).digest('hex')
const photo = (image: string) =>
  `<PHOTO><TYPE>image/png</TYPE><BINVAL>\n ${Buffer.from(image)
    .toString('base64')
    .replace(/(.{8})/g, '$1\n ')}</BINVAL></PHOTO>`
const set = (client: TestClient, content: string) => client.request(`<iq type="set" id="set"><vCard xmlns="vcard-temp">${content}</vCard></iq>`)
const update = (content: string) => `<presence><x xmlns="vcard-temp:x:update">${content}</x></presence>`

/** What the client's own presence says next: the hash, '' for an empty photo, undefined when it says nothing of photos. */
async function shown(client: TestClient): Promise<string | undefined> {
  const own = (el: Element) => el.getName() === 'presence' && el.attrs.from === client.jid.toString()
  const x = findChild(await client.receive(own, 'own presence'), 'x', NS.vcardUpdate)
  return x && childText(x, 'photo')
}

test('presence says the hash of the stored photo, whatever the client says but an empty photo (XEP-0398 §4)', async (t) => {
  const juliet = await (await start(t)).login('juliet', { available: false })
  await set(juliet, photo('an image of Juliet'))
  for (const said of ['<presence/>', update(''), update('<photo>0123456789abcdef0123456789abcdef01234567</photo>')]) {
    juliet.send(said)
    assert.equal(await shown(juliet), sha1('an image of Juliet'))
  }
  juliet.send(update('<photo/>'))
  assert.equal(await shown(juliet), '')
})

test('presence of a user without a vCard is left as it is', async (t) => {
  const juliet = await (await start(t)).login('juliet', { available: false })
  juliet.send('<presence/>')
  assert.equal(await shown(juliet), undefined)
  juliet.send(update('<photo>0123</photo>'))
  assert.equal(await shown(juliet), '0123')
})

test('presence says an empty photo for a vCard that has none, or one that is no base64', async (t) => {
  const juliet = await (await start(t)).login('juliet', { available: false })
  for (const content of ['<FN>Juliet</FN>', '<PHOTO><BINVAL>no base64!</BINVAL></PHOTO>', '<PHOTO><EXTVAL>http://elsewhere</EXTVAL></PHOTO>']) {
    await set(juliet, content)
    juliet.send('<presence/>')
    assert.equal(await shown(juliet), '')
    juliet.send('<presence type="unavailable"/>')
    await juliet.sync()
    juliet.stream.discard('presence')
  }
})

test('a new photo is shown at once by every resource, and its removal too', async (t) => {
  const server = await start(t)
  const [one, other] = [await server.login('juliet', { resource: 'one' }), await server.login('juliet', { resource: 'other' })]
  for (const [content, expected] of [
    [photo('first'), sha1('first')],
    [photo('second'), sha1('second')],
    ['<FN>Juliet</FN>', ''],
    [photo('third'), sha1('third')],
  ] as const) {
    await set(one, content)
    assert.equal(await shown(one), expected)
    assert.equal(await shown(other), expected)
  }
  await set(one, `<FN>Juliet</FN>${photo('third')}`)
  await one.receiveNothing((el) => el.getName() === 'presence' && el.attrs.from === one.jid.toString())
})

test('contacts hear of a new photo, and of the last one after the user came again', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  juliet.send('<presence type="subscribed" to="romeo@test"/>')
  await juliet.sync()
  romeo.send('<presence type="subscribe" to="juliet@test"/>')
  await romeo.sync()
  await juliet.sync()
  juliet.send('<presence type="subscribed" to="romeo@test"/>')
  await juliet.sync()
  await romeo.sync()
  romeo.stream.discard('presence')
  const fromJuliet = async () => {
    const stanza = await romeo.receive((el) => el.getName() === 'presence' && String(el.attrs.from).startsWith('juliet@test/') && !el.attrs.type)
    const x = findChild(stanza, 'x', NS.vcardUpdate)
    return x && childText(x, 'photo')
  }
  await set(juliet, photo('an image'))
  assert.equal(await fromJuliet(), sha1('an image'))
  await juliet.close()
  await server.login('juliet')
  assert.equal(await fromJuliet(), sha1('an image'))
})

test('directed presence says the hash too (XEP-0398 §4)', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  await set(juliet, photo('an image'))
  juliet.send(`<presence to="${romeo.jid}"/>`)
  const x = findChild(await romeo.receive((el) => el.attrs.from === juliet.jid.toString()), 'x', NS.vcardUpdate)
  assert.equal(x && childText(x, 'photo'), sha1('an image'))
})

test('hashes are left to the clients where so configured', async (t) => {
  const juliet = await (await start(t, { avatarHash: false })).login('juliet', { available: false })
  await set(juliet, photo('an image'))
  juliet.send(update('<photo>0123</photo>'))
  assert.equal(await shown(juliet), '0123')
})
