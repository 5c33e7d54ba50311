/** What an operator cannot prevent: the process is killed, a plugin throws where nobody catches it. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { element } from '@beaconfire/plugin-sdk'
import { TestClient, TestStream } from '@beaconfire/plugin-sdk/testing'
import { type ServerProcess, startServerProcess } from '../support/server-process.js'

const CLEAR = { c2s: { host: '127.0.0.1', port: 0, directTlsPort: 0, tls: 'optional', plainWithoutTls: true } } as const

async function login(t: TestContext, server: ServerProcess, name: string): Promise<TestClient> {
  const stream = await TestStream.connect({ port: server.ports.c2s, domain: 'localhost' })
  t.after(() => stream.drop())
  await stream.open()
  await stream.authenticate('PLAIN', name, name)
  await stream.open()
  return new TestClient(stream, await stream.bind())
}

async function createUser(server: ServerProcess, username: string): Promise<void> {
  const body = JSON.stringify({ username, password: username })
  const created = await server.admin('/api/v1/users', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  assert.equal(created.status, 201)
}

test('killed with SIGKILL right after an answer, the server has every message sent before the question', async (t) => {
  const first = await startServerProcess(t, { config: CLEAR })
  await createUser(first, 'romeo')
  await createUser(first, 'juliet')
  const romeo = await login(t, first, 'romeo')
  for (let i = 0; i < 200; i++) romeo.send(element('message', { to: 'juliet@localhost', type: 'chat' }, element('body', {}, `${i}`)))
  await romeo.sync()
  await first.kill()

  const second = await startServerProcess(t, { config: CLEAR, folder: first.folder })
  const juliet = await login(t, second, 'juliet')
  juliet.send(element('presence'))
  for (let i = 0; i < 200; i++) assert.equal((await juliet.receive('message')).getChildText('body'), `${i}`)
})

test('what a plugin throws where nobody catches it is logged with its name, and nobody is disconnected', async (t) => {
  const server = await startServerProcess(t, { config: CLEAR })
  await createUser(server, 'romeo')
  const romeo = await login(t, server, 'romeo')
  for (const [name, fault] of [
    ['rejects', `void Promise.reject(new Error('not waited for'))`],
    ['throws', `setTimeout(() => { throw new Error('thrown in a timer') })`],
  ] as const) {
    const folder = join(server.folder, 'plugins', name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name, type: 'module' }))
    const code = `export default { name: '${name}', version: '1.0.0', setup() { ${fault}\n return {} } }`
    await writeFile(join(folder, 'index.js'), code)
    await logged(server, (line) => line.plugin === name && line.msg === 'an error of the plugin was caught by nobody')
  }
  await romeo.sync()
  assert.equal((await server.stop()).code, 0)
})

async function logged(server: ServerProcess, wanted: (line: { readonly plugin?: string; readonly msg?: string }) => boolean): Promise<void> {
  const isThere = () =>
    server.log
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .some((line) => wanted(JSON.parse(line)))
  const patience = AbortSignal.timeout(20_000)
  while (!isThere()) {
    patience.throwIfAborted()
    await server.admin('/healthz')
  }
}
