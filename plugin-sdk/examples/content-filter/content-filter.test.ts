import assert from 'node:assert/strict'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Element } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestServer } from '@beaconfire/plugin-sdk/testing'
import contentFilter from './index.js'

const API = '/api/v1/plugins/content-filter'

describe('on a server', () => {
  let server: TestServer
  let romeo: TestClient
  let juliet: TestClient
  const cleanUps: (() => Promise<void>)[] = []

  before(async () => {
    server = await startTestServer({ after: (cleanUp) => cleanUps.push(cleanUp) }, { plugins: [contentFilter] })
    romeo = await server.login('romeo')
    juliet = await server.login('juliet')
    for (const [pattern, action] of Object.entries({ 'banish*': 'reject', montague: 'mask' })) {
      const answer = await server.admin(`${API}/rules`, { method: 'POST', json: { pattern, action } })
      assert.equal(answer.status, 201)
    }
  })

  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })

  const send = (content: string) => romeo.send(`<message to="${juliet.jid}" type="chat">${content}</message>`)
  const received = async (content: string): Promise<Element> => {
    send(content)
    return juliet.receive('message')
  }

  test('a message that a rule rejects does not arrive, and its sender is told', async () => {
    send('<body>I am Banished</body>')
    const error = await romeo.receive('message')
    assert.equal(errorCondition(error), 'policy-violation')
    await juliet.receiveNothing('message')
  })

  test('words are masked, and other messages stay as they were', async () => {
    assert.equal((await received('<body>Art thou not a Montague?</body>')).getChildText('body'), 'Art thou not a ********?')
    assert.equal((await received('<body>a &amp; b</body><x xmlns="urn:x"/>')).toString().includes('<body>a &amp; b</body><x xmlns="urn:x"/>'), true)
  })

  test('no second body, subject or XHTML part carries a word past the filter', async () => {
    const html = (shown: string) =>
      `<html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml">${shown}</body></html>`
    const hidden = await received(`<body>fine</body><body xml:lang="it">Montague!</body><subject>montague</subject>${html('<p>mon<b>tague</b></p>')}`)
    assert.ok(!/montague|tague/i.test(hidden.toString()), hidden.toString())
    assert.equal(hidden.getChildText('body'), 'fine')
    for (const more of ['<body xml:lang="it">banish</body>', html('<p>banish</p>and<p>more</p>')]) {
      send(`<body>fine</body>${more}`)
      assert.equal(errorCondition(await romeo.receive('message')), 'policy-violation')
    }
  })

  test('rules are changed while the server runs, and tried without sending', async () => {
    const tried = async (text: string): Promise<unknown> => (await server.admin(`${API}/try`, { method: 'POST', json: { text } })).json()
    const add = await server.admin(`${API}/rules`, { method: 'POST', json: { pattern: ' Fair  Rosaline', action: 'mask' } })
    const { id, pattern } = (await add.json()) as { id: number; pattern: string }
    assert.equal(pattern, 'fair rosaline')
    assert.deepEqual(await tried('the fair Rosaline'), { text: 'the **** ********' })
    await server.admin(`${API}/rules/${id}`, { method: 'PUT', json: { pattern: 'rosaline', action: 'reject' } })
    assert.deepEqual(await tried('the fair Rosaline'), { rejectedBy: id })
    assert.equal((await server.admin(`${API}/rules/${id}`, { method: 'DELETE' })).status, 204)
    assert.deepEqual(await tried('the fair Rosaline'), { text: 'the fair Rosaline' })
    const { items } = (await (await server.admin(`${API}/rules`)).json()) as { items: { pattern: string }[] }
    assert.deepEqual(
      items.map((it) => it.pattern),
      ['banish*', 'montague'],
    )
  })

  test('a rule that is there, is not there, or can never match is refused by name', async () => {
    const refusal = async (method: string, path: string, json?: object) => {
      const answer = await server.admin(`${API}${path}`, { method, ...(json && { json }) })
      return [answer.status, ((await answer.json()) as { code: string }).code]
    }
    assert.deepEqual(await refusal('POST', '/rules', { pattern: 'MONTAGUE', action: 'reject' }), [409, 'pattern-taken'])
    assert.deepEqual(await refusal('POST', '/rules', { pattern: '*', action: 'mask' }), [422, 'pattern-refused'])
    assert.deepEqual(await refusal('PUT', '/rules/999', { pattern: 'x', action: 'mask' }), [404, 'rule-not-found'])
    assert.deepEqual(await refusal('DELETE', '/rules/999'), [404, 'rule-not-found'])
    assert.equal((await refusal('POST', '/rules', { pattern: 'x', action: 'shout' }))[0], 400)
  })

  test('what was done is counted', async () => {
    const metrics = await (await server.admin('/metrics')).text()
    assert.match(metrics, /^beaconfire_content_filter_rejected_total 3$/m)
    assert.match(metrics, /^beaconfire_content_filter_masked_total 2$/m)
  })
})

test('its folder is a plugin as it is, and its rules outlive a reload', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-content-filter-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await cp(fileURLToPath(new URL('.', import.meta.url)), join(folder, 'content-filter'), { recursive: true })
  const server = await startTestServer(t, { config: { plugins: { folders: [folder] } } })
  await server.admin(`${API}/rules`, { method: 'POST', json: { pattern: 'hidden', action: 'mask' } })
  const reloaded = await server.plugins.reload('content-filter')
  assert.deepEqual([reloaded.state, reloaded.reloads], ['running', 1])
  const tried = await server.admin(`${API}/try`, { method: 'POST', json: { text: 'hidden' } })
  assert.deepEqual(await tried.json(), { text: '******' })
})
