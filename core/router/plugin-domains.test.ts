import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, element, type PluginDomain, StanzaError } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer } from '@beaconfire/plugin-sdk/testing'

const NS_ECHO = 'urn:test:echo'
const plugin = (name: string, domain: PluginDomain) => definePlugin({ name, version: '1.0.0', setup: () => ({ domains: [domain] }) })

const echo = (heard: string[]): PluginDomain => ({
  subdomain: 'echo',
  handle({ stanza, to }) {
    heard.push(`${stanza.kind} ${stanza.type} ${to}`)
    if (stanza.id === 'refused') throw new StanzaError('forbidden')
    if (stanza.id === 'failing') throw new Error('a bug')
    return Promise.resolve(element('echo', { xmlns: NS_ECHO, to: to.toString() }))
  },
})

const ask = (to: string, id: string) => `<iq type="get" id="${id}" to="${to}"><echo xmlns="${NS_ECHO}"/></iq>`

test('a plugin answers requests to its subdomain and to addresses at it', async (t) => {
  const server = await startTestServer(t, { plugins: [plugin('echo', echo([]))] })
  const romeo = await server.login('romeo')
  const answer = await romeo.request(ask('room@echo.test', 'a'))
  assert.equal(answer.attrs.from, 'room@echo.test')
  assert.equal(answer.getChild('echo')?.attrs.to, 'room@echo.test')
  assert.equal((await romeo.request(ask('echo.test/part', 'b'))).attrs.from, 'echo.test/part')
})

test('what it throws is the refusal; a bug of its own is told as a fault of the server', async (t) => {
  const server = await startTestServer(t, { plugins: [plugin('echo', echo([]))] })
  const romeo = await server.login('romeo')
  assert.equal(errorCondition(await romeo.request(ask('echo.test', 'refused'))), 'forbidden')
  assert.equal(errorCondition(await romeo.request(ask('echo.test', 'failing'))), 'internal-server-error')
  romeo.send('<message to="echo.test" id="refused"><body>hello</body></message>')
  assert.equal(errorCondition(await romeo.receive('message')), 'forbidden')
})

test('messages, presence and answers reach it, and are answered with nothing', async (t) => {
  const heard: string[] = []
  const server = await startTestServer(t, { plugins: [plugin('echo', echo(heard))] })
  const romeo = await server.login('romeo')
  romeo.send('<message to="echo.test" id="m"/>')
  romeo.send('<presence to="room@echo.test/nick"/>')
  romeo.send('<iq type="result" to="echo.test" id="r"/>')
  await romeo.sync()
  assert.deepEqual(heard, ['message normal echo.test', 'presence available room@echo.test/nick', 'iq result echo.test'])
})

test('a domain has one plugin: the second that wants it does not load', async (t) => {
  const server = await startTestServer(t, { plugins: [plugin('first', echo([])), plugin('second', echo([]))] })
  const states = server.plugins.list().map((it) => `${it.name} ${it.state}`)
  assert.deepEqual(states, ['first running', 'second failed'])
})

test('without such a plugin the domain is a remote server that is not found', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const romeo = await server.login('romeo')
  assert.equal(errorCondition(await romeo.request(ask('echo.test', 'a'))), 'remote-server-not-found')
})
