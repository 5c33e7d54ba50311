/** What an operator cannot prevent: the process is killed, a plugin throws where nobody catches it. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { element } from '@beaconfire/plugin-sdk'
import { type ServerProcess, startServerProcess } from '../support/server-process.js'

test('killed with SIGKILL right after an answer, the server has every message sent before the question', async (t) => {
  const first = await startServerProcess(t)
  await first.createUsers('romeo', 'juliet')
  const romeo = await first.login('romeo')
  for (let i = 0; i < 200; i++) romeo.send(element('message', { to: 'juliet@localhost', type: 'chat' }, element('body', {}, `${i}`)))
  await romeo.sync()
  await first.kill()

  const second = await startServerProcess(t, { folder: first.folder })
  const juliet = await second.login('juliet')
  juliet.send(element('presence'))
  for (let i = 0; i < 200; i++) assert.equal((await juliet.receive('message')).getChildText('body'), `${i}`)
})

test('what a plugin throws where nobody catches it is logged with its name, and nobody is disconnected', async (t) => {
  const server = await startServerProcess(t)
  await server.createUsers('romeo')
  const romeo = await server.login('romeo')
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
