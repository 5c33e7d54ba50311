import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { PortListener } from '@beaconfire/plugin-sdk'
import { dropIn, pluginSource, RecordingLog, type TestHost, testHost, writeFiles } from './plugin-host.fixture.js'
import { PluginPorts } from './plugin-ports.js'

/** Ports that plugins of these tests opened, by version. */
const ports = new Map<string, number>()
Object.assign(globalThis, { portsOfPlugins: ports })

const source = (name: string, version: string, { port = 0, rest = '', more = '' } = {}) =>
  pluginSource(name, version, {
    contributions: `listeners: [{ name: 'door', host: '127.0.0.1', port: ${port}, ${rest}
      listening(port) { portsOfPlugins.set('${name} ${version}', port) },
      onConnection(socket) { socket.write('${version}') } }], ${more}`,
  })

async function greeted(t: TestContext, port: number): Promise<{ socket: Socket; greeting: string }> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => void socket.destroy())
  const [greeting] = (await once(socket, 'data')) as [Buffer]
  return { socket, greeting: greeting.toString() }
}

async function hostWith(t: TestContext, name: string, text: string): Promise<TestHost> {
  ports.clear()
  const it = await testHost(t)
  await dropIn(it.folder, name, { 'index.ts': text })
  await it.host.start()
  return it
}

test('a port stays open while its plugin is reloaded, its connections are cut with their version, and it closes with the plugin', async (t) => {
  const it = await hostWith(t, 'porter', source('porter', '1.0.0'))
  const port = ports.get('porter 1.0.0') as number
  const first = await greeted(t, port)
  assert.equal(first.greeting, '1.0.0')
  const cut = once(first.socket, 'close')
  await writeFiles(join(it.folder, 'porter'), { 'index.ts': source('porter', '2.0.0') })
  await it.host.rescan()
  assert.equal(ports.get('porter 2.0.0'), port)
  await cut
  assert.equal((await greeted(t, port)).greeting, '2.0.0')
  await it.host.unload('porter')
  await assert.rejects(greeted(t, port), { code: 'ECONNREFUSED' })
})

test('connections that a plugin keeps live on with the version that accepted them', async (t) => {
  const keeps = { rest: 'keepsConnections: true,' }
  const it = await hostWith(t, 'porter', source('porter', '1.0.0', keeps))
  const { socket } = await greeted(t, ports.get('porter 1.0.0') as number)
  await writeFiles(join(it.folder, 'porter'), { 'index.ts': source('porter', '2.0.0', keeps) })
  await it.host.rescan()
  await greeted(t, ports.get('porter 2.0.0') as number)
  assert.equal(socket.destroyed, false)
})

test('a version that does not start takes no connection, and opens nothing for good', async (t) => {
  const it = await hostWith(t, 'porter', source('porter', '1.0.0'))
  await writeFiles(join(it.folder, 'porter'), { 'index.ts': source('porter', '2.0.0', { more: `healthy() { throw new Error('no disk') }` }) })
  await it.host.rescan()
  assert.match(it.status('porter').error ?? '', /its health check healthy\(\) failed: no disk/)
  assert.equal((await greeted(t, ports.get('porter 1.0.0') as number)).greeting, '1.0.0')
})

test('a port of another plugin or program is a named error, and both serve on', async (t) => {
  const it = await hostWith(t, 'porter', source('porter', '1.0.0'))
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => void taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  await dropIn(it.folder, 'late', { 'index.ts': source('late', '1.0.0', { port }) })
  await it.host.rescan()
  assert.match(it.status('late').error ?? '', /^plugin "late": .*port \d+ for "door" is taken, by this server or another program; configure another/)
  assert.equal((await greeted(t, ports.get('porter 1.0.0') as number)).greeting, '1.0.0')

  taken.close()
  await once(taken, 'close')
  await it.host.reload('late')
  await dropIn(it.folder, 'later', { 'index.ts': source('later', '1.0.0', { port }) })
  await it.host.rescan()
  assert.match(it.status('later').error ?? '', /^plugin "later": .*is plugin "late"'s already/)
  assert.equal((await greeted(t, port)).greeting, '1.0.0')
})

test('a connection that a plugin cannot take is closed, and costs nobody else anything', async (t) => {
  const text = source('porter', '1.0.0').replace(`socket.write('1.0.0')`, `throw new Error('not today')`)
  const it = await hostWith(t, 'porter', text)
  const socket = connect(ports.get('porter 1.0.0') as number, '127.0.0.1')
  await once(socket, 'close')
  assert.equal(it.log.texts().at(-1), 'a plugin could not take a connection porter')
  assert.equal(it.status('porter').state, 'running')
})

/** Unloads a plugin that something is under way with. @returns what ends that */
async function unloadSlowly(it: TestHost, name: string): Promise<() => Promise<void>> {
  let end = () => {}
  const underWay = new Promise<boolean>((resolve) => {
    end = () => resolve(true)
  })
  const isDraining = new Promise<void>((resolve) => {
    it.registries.drained = () => {
      resolve()
      return underWay
    }
  })
  const unloaded = it.host.unload(name)
  await isDraining
  return async () => {
    end()
    await unloaded
  }
}

test('a port listens no more as soon as its plugin is unloaded, while connections go on until it has stopped', async (t) => {
  const it = await hostWith(t, 'porter', source('porter', '1.0.0'))
  const port = ports.get('porter 1.0.0') as number
  const { socket } = await greeted(t, port)
  const end = await unloadSlowly(it, 'porter')
  await assert.rejects(greeted(t, port), { code: 'ECONNREFUSED' })
  assert.equal(socket.closed, false)
  const cut = once(socket, 'close')
  await end()
  await cut
})

test("a client that resets its connection while it waits for a version to take the port costs nothing, and the others are that version's", async (t) => {
  const log = new RecordingLog()
  const ports = new PluginPorts(log)
  let port = 0
  const listener = (version: string): PortListener => ({
    name: 'door',
    host: '127.0.0.1',
    port: 0,
    listening: (opened) => void (port = opened),
    onConnection: (socket) => void socket.write(version),
  })
  const old = await ports.prepare('porter', [listener('1.0.0')])
  old.take()
  const next = await ports.prepare('porter', [listener('2.0.0')])
  t.after(() => next.release())
  old.letGo()
  const hasty = connect(port, '127.0.0.1', () => hasty.resetAndDestroy())
  const patient = greeted(t, port)
  while (!log.texts().includes('a connection of a plugin broke porter')) await new Promise((resolve) => setImmediate(resolve))
  next.take()
  old.release()
  assert.equal((await patient).greeting, '2.0.0')
})
