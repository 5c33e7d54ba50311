/** A plugin is exchanged while stanzas are under way that began with its old version: each meets one version alone, and the old one stops last. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'

/** What the plugin, which runs in this process, tells of itself: `version what stanza`. */
const told: string[] = []
/** Opens the gate at which the plugin waits, by name. */
const gates = new Map<string, () => void>()
const wait = (name: string) => new Promise<void>((resolve) => void gates.set(name, resolve))
Object.assign(globalThis, { pinned: { tell: (line: string) => told.push(line), wait } })

const source = (version: string) => `
import { definePlugin, element } from '@beaconfire/plugin-sdk'
const { tell, wait } = (globalThis as any).pinned
const say = (what: string, { id }: { id?: string | undefined }) => { if (id?.startsWith('m')) tell('${version} ' + what + ' ' + id) }
export default definePlugin({
  name: 'pinned', version: '${version}',
  setup: () => ({
    interceptors: [
      { name: 'all', band: 'guard', async interceptPacket({ packet, incoming, processed }) {
        say((incoming ? 'IN' : 'OUT') + (processed ? '-post' : '-pre'), packet)
        if (incoming && !processed && packet.id?.endsWith('interceptor')) await wait(packet.id)
      } },
    ],
    hooks: {
      async stanzaArrived({ stanza }) {
        say('hook', stanza)
        if (stanza.id?.endsWith('hook')) await wait(stanza.id)
        return 'pass'
      },
      messageUndelivered({ message }) { say('kept', message); return 'handled' },
      async userCreated({ user }) {
        if (user.local !== 'paris') return
        tell('${version} userCreated')
        await wait('userCreated')
      },
    },
    iqHandlers: [{ namespace: 'urn:example:pinned', async handle({ iq }) {
      say('handler', iq)
      if (iq.id?.endsWith('handler')) await wait(iq.id)
      return element('version', { xmlns: 'urn:example:pinned' }, '${version}')
    } }],
    domains: [{ subdomain: 'pinned', handle({ stanza }) {
      say('domain', stanza)
      return element('version', { xmlns: 'urn:example:pinned' }, '${version}')
    } }],
    stop() { tell('${version} stop') },
  }),
})`

async function begin(t: TestScope) {
  told.length = 0
  gates.clear()
  const folder = await mkdtemp(path.join(tmpdir(), 'beaconfire-pinned-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const write = async (version: string) => {
    await mkdir(path.join(folder, 'pinned'), { recursive: true })
    await writeFile(path.join(folder, 'pinned/package.json'), JSON.stringify({ name: 'pinned', version, type: 'module' }))
    await writeFile(path.join(folder, 'pinned/index.ts'), source(version))
  }
  await write('1.0.0')
  const server = await startTestServer(t, { config: { plugins: { folders: [folder], disabled: ['offline-storage', 'delivery-journal'] } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet')
  const mercutio = await server.login('mercutio')
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise(setImmediate)
  }
  /** Resolves when the new version serves; `done` of its answer when the old one has stopped. */
  const exchange = async () => {
    await write('2.0.0')
    const done = server.plugins.reload('pinned')
    await until(() => server.plugins.find('pinned')?.version === '2.0.0')
    return { done }
  }
  const seen = (id: string) => told.filter((it) => it.endsWith(` ${id}`)).map((it) => it.slice(0, -id.length - 1))
  return { server, romeo, juliet, mercutio, until, exchange, seen }
}

const versionOf = (answer: { getChildText(name: string): string | null | undefined }) => answer.getChildText('version')

test('what began with the old version meets its interceptors, hooks, handlers and domains; what comes later those of the new', async (t) => {
  const { server, romeo, juliet, mercutio, until, exchange, seen } = await begin(t)
  romeo.send(`<message to="${juliet.jid}" type="chat" id="m1-interceptor"><body>x</body></message>`)
  const asked = mercutio.request('<iq type="get" id="m2-interceptor" to="test"><query xmlns="urn:example:pinned"/></iq>')
  const domain = juliet.request('<iq type="get" id="m3-interceptor" to="pinned.test"><query xmlns="urn:example:pinned"/></iq>')
  await until(() => ['m1-interceptor', 'm2-interceptor', 'm3-interceptor'].every((id) => seen(id).length === 1))
  const { done } = await exchange()

  // New stanzas do not wait for old ones, and meet the new version.
  const benvolio = await server.login('benvolio')
  assert.equal(versionOf(await benvolio.request('<iq type="get" id="m5" to="test"><query xmlns="urn:example:pinned"/></iq>')), '2.0.0')
  assert.ok(!told.includes('1.0.0 stop'))
  for (const id of ['m1-interceptor', 'm2-interceptor', 'm3-interceptor']) gates.get(id)?.()
  assert.equal(versionOf(await asked), '1.0.0')
  assert.equal(versionOf(await domain), '1.0.0')
  await juliet.receive('message')
  await done
  assert.deepEqual(seen('m1-interceptor'), ['1.0.0 IN-pre', '1.0.0 hook', '1.0.0 OUT-pre', '1.0.0 OUT-post', '1.0.0 IN-post'])
  assert.ok(seen('m2-interceptor').includes('1.0.0 handler'))
  assert.ok(seen('m3-interceptor').includes('1.0.0 domain'))
  assert.ok(!told.some((it) => it.startsWith('2.0.0') && it.endsWith('-interceptor')))
  assert.ok(told.indexOf('1.0.0 stop') > told.indexOf('1.0.0 IN-post m1-interceptor'))

  romeo.send(`<message to="benvolio@test" type="chat" id="m4"><body>x</body></message>`)
  await romeo.sync()
  assert.ok(!told.some((it) => it.startsWith('1.0.0') && it.endsWith('m4')))
})

test('a stanza that waits in a hook or a handler, and a hook that is told, keep the old version from stopping', async (t) => {
  const { server, romeo, juliet, mercutio, until, exchange, seen } = await begin(t)
  romeo.send(`<message to="${juliet.jid}" type="chat" id="m1-hook"><body>x</body></message>`)
  const asked = mercutio.request('<iq type="get" id="m2-handler" to="test"><query xmlns="urn:example:pinned"/></iq>')
  const created = server.accounts.create({ username: 'paris', password: 'secret' })
  await until(() => seen('m1-hook').length === 2 && seen('m2-handler').includes('1.0.0 handler') && told.includes('1.0.0 userCreated'))
  const { done } = await exchange()
  const order = ['m1-hook', 'm2-handler', 'userCreated']
  for (const name of order) {
    await new Promise(setImmediate)
    assert.ok(!told.includes('1.0.0 stop'), `stopped before ${name}`)
    gates.get(name)?.()
  }
  assert.equal(versionOf(await asked), '1.0.0')
  await Promise.all([created, juliet.receive('message')])
  await done
  assert.deepEqual(seen('m1-hook'), ['1.0.0 IN-pre', '1.0.0 hook', '1.0.0 OUT-pre', '1.0.0 OUT-post', '1.0.0 IN-post'])
  assert.equal(told.at(-1), '1.0.0 stop')
})

test('a stanza that reaches nobody is kept by the version that it began with', async (t) => {
  const { server, romeo, juliet, until, exchange, seen } = await begin(t)
  juliet.drop()
  await until(() => server.sessions.count === 2)
  romeo.send('<message to="juliet@test" type="chat" id="m1-interceptor"><body>x</body></message>')
  await until(() => seen('m1-interceptor').length === 1)
  const { done } = await exchange()
  gates.get('m1-interceptor')?.()
  await done
  assert.deepEqual(seen('m1-interceptor'), ['1.0.0 IN-pre', '1.0.0 hook', '1.0.0 kept', '1.0.0 IN-post'])
})
