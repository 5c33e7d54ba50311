/** Avatars converted both ways (XEP-0398), over sockets. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { childElements, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import avatars from '../../plugins/avatars/index.js'
import caps from '../../plugins/caps/index.js'
import disco from '../../plugins/disco/index.js'
import presence from '../../plugins/presence/index.js'
import pubsub from '../../plugins/pubsub/index.js'
import roster from '../../plugins/roster/index.js'
import vcard from '../../plugins/vcard/index.js'

const IMAGE = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const OTHER = Buffer.from('ffd8ffe000104a46494600010100', 'hex')
const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex')

const start = (t: TestScope) => startTestServer(t, { plugins: [roster, presence, disco, caps, pubsub, vcard, avatars] })
const open = `<publish-options><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>${NS.pubsubPublishOptions}</value></field><field var="pubsub#access_model"><value>open</value></field></x></publish-options>`

async function publish(client: TestClient, node: string, id: string, payload: string, options = open): Promise<void> {
  const inner = `<publish node="${node}"><item ${id && `id="${id}"`}>${payload}</item></publish>${options}`
  const answer = await client.request(`<iq type="set"><pubsub xmlns="${NS.pubsub}">${inner}</pubsub></iq>`)
  assert.equal(answer.attrs.type, 'result', String(answer))
}
async function publishAvatar(client: TestClient, image: Buffer, options = open): Promise<void> {
  await publish(client, NS.avatarData, sha1(image), `<data xmlns="${NS.avatarData}">${image.toString('base64')}</data>`, options)
  const info = `<info bytes="${image.length}" id="${sha1(image)}" type="image/png"/><info bytes="9" id="x" type="image/png" url="https://x/y"/>`
  await publish(client, NS.avatarMetadata, sha1(image), `<metadata xmlns="${NS.avatarMetadata}">${info}</metadata>`, options)
}
async function newest(client: TestClient, node: string): Promise<Element | undefined> {
  const answer = await client.request(
    `<iq type="get" to="juliet@test"><pubsub xmlns="${NS.pubsub}"><items node="${node}" max_items="1"/></pubsub></iq>`,
  )
  const items = findChild(answer, 'pubsub', NS.pubsub)?.getChild('items')
  return items && childElements(items)[0]
}
async function photo(client: TestClient): Promise<string | undefined> {
  const answer = await client.request('<iq type="get" to="juliet@test"><vCard xmlns="vcard-temp"/></iq>')
  return findChild(answer, 'vCard', NS.vcard)?.getChild('PHOTO')?.getChildText('BINVAL') ?? undefined
}
const store = (client: TestClient, content: string) => client.request(`<iq type="set"><vCard xmlns="vcard-temp">${content}</vCard></iq>`)
const photoXml = (image: Buffer, type = '') => `<PHOTO>${type && `<TYPE>${type}</TYPE>`}<BINVAL>\n${image.toString('base64')}\n</BINVAL></PHOTO>`

test('an avatar that is published is put into the vCard, beside what is there, and its hash into presence', async (t) => {
  const server = await start(t)
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
  await store(juliet, '<FN>Juliet</FN>')
  await publishAvatar(juliet, IMAGE)
  assert.equal(await photo(romeo), IMAGE.toString('base64'))
  const card = findChild(await romeo.request('<iq type="get" to="juliet@test"><vCard xmlns="vcard-temp"/></iq>'), 'vCard', NS.vcard)
  assert.equal(card?.getChildText('FN'), 'Juliet')
  assert.equal(card?.getChild('PHOTO')?.getChildText('TYPE'), 'image/png')
  const shown = await juliet.receive((el) => el.getName() === 'presence' && String(el).includes(sha1(IMAGE)))
  assert.equal(findChild(shown, 'x', NS.vcardUpdate)?.getChildText('photo'), sha1(IMAGE))
  await publish(juliet, NS.avatarMetadata, '', `<metadata xmlns="${NS.avatarMetadata}"/>`)
  assert.equal(await photo(romeo), undefined)
})

test('an avatar that not everybody may see stays out of the vCard', async (t) => {
  const server = await start(t)
  const juliet = await server.login('juliet')
  await publishAvatar(juliet, IMAGE, '')
  assert.equal(await photo(juliet), undefined)
})

test('data that is not what its hash says is not shown', async (t) => {
  const server = await start(t)
  const juliet = await server.login('juliet')
  await publish(juliet, NS.avatarData, sha1(IMAGE), `<data xmlns="${NS.avatarData}">${OTHER.toString('base64')}</data>`)
  await publish(
    juliet,
    NS.avatarMetadata,
    sha1(IMAGE),
    `<metadata xmlns="${NS.avatarMetadata}"><info bytes="1" id="${sha1(IMAGE)}" type="image/png"/></metadata>`,
  )
  assert.equal(await photo(juliet), undefined)
})

test('the photo of a vCard is published as an avatar that everybody may read, and goes with it', async (t) => {
  const server = await start(t)
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
  await store(juliet, `<FN>Juliet</FN>${photoXml(IMAGE, 'image/png')}`)
  const data = await newest(romeo, NS.avatarData)
  assert.equal(data?.attrs.id, sha1(IMAGE))
  assert.equal(data?.getChildText('data', NS.avatarData), IMAGE.toString('base64'))
  const metadata = await newest(romeo, NS.avatarMetadata)
  const described = metadata?.getChild('metadata', NS.avatarMetadata)?.getChild('info')?.attrs
  assert.deepEqual(
    [metadata?.attrs.id, described?.id, described?.bytes, described?.type],
    [sha1(IMAGE), sha1(IMAGE), String(IMAGE.length), 'image/png'],
  )
  await store(juliet, `<FN>Juliet</FN>${photoXml(OTHER)}`)
  assert.equal((await newest(romeo, NS.avatarMetadata))?.attrs.id, sha1(OTHER))
  await store(juliet, '<FN>Juliet</FN>')
  assert.equal((await newest(romeo, NS.avatarMetadata))?.getChild('metadata', NS.avatarMetadata)?.children.length, 0)
})

test('a vCard without a photo leaves an avatar alone that was never in it; a photo that is none is not published', async (t) => {
  const server = await start(t)
  const juliet = await server.login('juliet')
  await publishAvatar(juliet, IMAGE, '')
  await store(juliet, '<FN>Juliet</FN>')
  await store(juliet, '<PHOTO><BINVAL>no image &amp; no base64</BINVAL></PHOTO>')
  assert.equal((await newest(juliet, NS.avatarMetadata))?.attrs.id, sha1(IMAGE))
})

test('accounts say that the server converts (XEP-0398 §2)', async (t) => {
  const server = await start(t)
  const juliet = await server.login('juliet')
  const answer = await juliet.request(`<iq type="get" to="juliet@test"><query xmlns="${NS.discoInfo}"/></iq>`)
  const query = findChild(answer, 'query', NS.discoInfo)
  assert.ok(query?.getChildren('feature').some((it) => it.attrs.var === NS.avatarConversion))
})
