/** Whatever a version of a plugin had registered is gone once another has taken its place. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { errorCondition, startTestServer } from '@beaconfire/plugin-sdk/testing'

interface Word {
  port: number
  ticks: number
  opened: number
  stanzas: number
}
const word: Word = { port: 0, ticks: 0, opened: 0, stanzas: 0 }
Object.assign(globalThis, { wordOfEverything: word })

const everything = `
import { definePlugin, element } from '@beaconfire/plugin-sdk'
const word = (globalThis as any).wordOfEverything
export default definePlugin({
  name: 'everything', version: '1.0.0', provides: ['everything' as never],
  setup({ timers, metrics }) {
    metrics.counter('seen_total', 'Seen').increment()
    return {
      interceptors: [{ name: 'watch', band: 'observe', when: { stanza: 'message' }, interceptPacket() { word.stanzas++ } }],
      iqHandlers: [{ namespace: 'urn:example:iq', handle: () => element('answer', { xmlns: 'urn:example:iq' }) }],
      preAuthIqHandlers: [{ namespace: 'urn:example:early', handle: () => element('answer', { xmlns: 'urn:example:early' }) }],
      hooks: { sessionOpened() { word.opened++ } },
      features: ['urn:example:feature'], identities: [{ category: 'automation', type: 'everything' }],
      streamFeatures: [{ when: 'before-authentication', element: () => element('everything', { xmlns: 'urn:example:stream' }) }],
      domains: [{ subdomain: 'everything', handle: () => element('answer', { xmlns: 'urn:example:domain' }) }],
      adminRoutes: [{ method: 'GET', path: '/word', summary: 'Word', handle: () => ({}) }],
      consolePages: [{ name: 'word', title: 'Word', folder: new URL('./page', import.meta.url) }],
      listeners: [{ name: 'door', host: '127.0.0.1', port: 0, listening(port) { word.port = port }, onConnection(socket) { socket.write('hello') } }],
      services: { everything: {} } as never,
      start() { timers.every(1, () => { word.ticks++ }) },
    }
  },
})`
const nothing = `
import { definePlugin } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: 'everything', version: '2.0.0', setup: () => ({}) })`
const dependent = `
import { definePlugin } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: 'needs-everything', version: '1.0.0', requires: ['everything' as never], setup: () => ({}) })`

test('interceptors, handlers, hooks, discovery, stream features, domains, routes, console pages, ports, services, timers and metrics go with their version', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'beaconfire-everything-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const write = async (name: string, source: string) => {
    await mkdir(path.join(folder, name), { recursive: true })
    await writeFile(path.join(folder, name, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module' }))
    await writeFile(path.join(folder, name, 'index.ts'), source)
  }
  await write('everything', everything)
  await mkdir(path.join(folder, 'everything/page'))
  await writeFile(path.join(folder, 'everything/page/index.html'), '<!doctype html><title>Word</title>')
  await write('needs-everything', dependent)
  const server = await startTestServer(t, { config: { plugins: { folders: [folder] } } })
  const romeo = await server.login('romeo')

  /** One line for each kind that is there. */
  async function present(): Promise<string[]> {
    const found: string[] = []
    const note = (kind: string, isThere: boolean) => void (isThere && found.push(kind))
    const before = { ...word }
    await romeo.sync()
    romeo.send('<message to="romeo@test" type="chat"><body>x</body></message>')
    await romeo.receive('message')
    note('interceptor', word.stanzas > before.stanzas)
    const iq = await romeo.request('<iq type="get" id="1" to="test"><query xmlns="urn:example:iq"/></iq>')
    note('iq handler', iq.attrs.type === 'result')
    const info = (await romeo.request('<iq type="get" id="2" to="test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')).toString()
    note('feature', info.includes('urn:example:feature'))
    note('identity', info.includes('everything'))
    const domain = await romeo.request('<iq type="get" id="3" to="everything.test"><query xmlns="urn:example:domain"/></iq>')
    note('domain', domain.attrs.type === 'result')
    const stream = await server.connect()
    note('stream feature', (await stream.open()).toString().includes('urn:example:stream'))
    stream.write('<iq type="get" id="4" to="test"><query xmlns="urn:example:early"/></iq>')
    note('pre-auth handler', errorCondition(await stream.receive('iq')) === undefined)
    stream.drop()
    const later = await server.login('later')
    note('hook', word.opened > before.opened)
    later.drop()
    note('route', (await server.admin('/api/v1/plugins/everything/word')).status === 200)
    note('console page', (await server.admin('/console/plugins/everything/word/')).status === 200)
    const socket = connect(word.port, '127.0.0.1')
    note(
      'port',
      await once(socket, 'data').then(
        () => true,
        () => false,
      ),
    )
    socket.destroy()
    note('service', server.plugins.find('needs-everything')?.state === 'running')
    note('metric', (await (await server.admin('/metrics')).text()).includes('beaconfire_everything_seen_total'))
    // A timer of its own, of the same period, has fired three times.
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 5))
    const { ticks } = word
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 5))
    note('timer', word.ticks > ticks)
    return found
  }

  const kinds = [
    'interceptor',
    'iq handler',
    'feature',
    'identity',
    'domain',
    'stream feature',
    'pre-auth handler',
    'hook',
    'route',
    'console page',
    'port',
  ]
  assert.deepEqual(await present(), [...kinds, 'service', 'metric', 'timer'])
  await write('everything', nothing)
  assert.equal((await server.plugins.rescan()).find((it) => it.name === 'everything')?.version, '2.0.0')
  assert.deepEqual(await present(), [])
  assert.match(server.plugins.find('needs-everything')?.error ?? '', /requires service "everything", which no plugin provides/)
})
