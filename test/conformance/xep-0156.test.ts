/** Other ways to connect, in host-meta (XEP-0156). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, parseElement } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
import hostMeta from '../../plugins/host-meta/index.js'

const start = (t: TestScope, settings: object = {}) =>
  startTestServer(t, { plugins: [hostMeta], config: { plugins: { settings: { 'host-meta': settings } } } })

const links = [
  { rel: 'urn:xmpp:alt-connections:xbosh', href: 'https://web.test:5443/bosh?a=1&b=2' },
  { rel: 'urn:xmpp:alt-connections:websocket', href: 'wss://web.test:5443/ws' },
]

test('both forms list what is configured, to anybody and to pages of any site (XEP-0156 section 3)', async (t) => {
  const server = await start(t, { bosh: [links[0]?.href], websocket: [links[1]?.href] })
  const json = await fetch(`${server.url}/.well-known/host-meta.json`)
  assert.deepEqual([json.status, json.headers.get('access-control-allow-origin')], [200, '*'])
  assert.match(json.headers.get('content-type') ?? '', /^application\/json/)
  assert.deepEqual(await json.json(), { links })

  const xml = await fetch(`${server.url}/.well-known/host-meta`)
  assert.deepEqual([xml.status, xml.headers.get('access-control-allow-origin')], [200, '*'])
  assert.match(xml.headers.get('content-type') ?? '', /^application\/xrd\+xml/)
  const xrd = parseElement((await xml.text()).replace(/^<\?xml.*\?>\s*/, ''))
  assert.deepEqual([xrd.getName(), xrd.getNS()], ['XRD', 'http://docs.oasis-open.org/ns/xri/xrd-1.0'])
  assert.deepEqual(
    childElements(xrd).map((it) => ({ rel: it.attrs.rel, href: it.attrs.href })),
    links,
  )
})

test('without configuration both are there and empty', async (t) => {
  const server = await start(t)
  assert.deepEqual(await (await fetch(`${server.url}/.well-known/host-meta.json`)).json(), { links: [] })
  assert.equal((await fetch(`${server.url}/.well-known/host-meta`)).status, 200)
})

test('nothing else gets public with them, and they are only read', async (t) => {
  const server = await start(t)
  for (const path of ['/.well-known/other', '/.well-known/', '/api/v1/users', '/.well-known/../api/v1/users', '/.well-known/host-meta/x']) {
    const { status, headers } = await fetch(server.url + path)
    assert.ok(status === 404 || status === 401, `${path}: ${status}`)
    if (path.includes('api')) assert.equal(headers.get('access-control-allow-origin'), null)
  }
  for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await fetch(`${server.url}/.well-known/host-meta`, { method })).status, 404)
})

test('an address that is not protected by TLS is refused (XEP-0156 section 3)', async (t) => {
  for (const settings of [{ websocket: ['ws://web.test/ws'] }, { bosh: ['http://web.test/bosh'] }]) {
    const server = await start(t, settings)
    assert.equal(server.plugins.find('host-meta')?.state, 'failed')
  }
})
