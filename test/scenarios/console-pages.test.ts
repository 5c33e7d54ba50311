/** A plugin's pages in the web console come, change and go with it. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'

const source = (version: string, pages: readonly string[], more = '') => `
import { definePlugin } from '@beaconfire/plugin-sdk'
const folder = new URL('./console', import.meta.url)
export default definePlugin({ name: 'paged', version: '${version}', setup: () => ({
  consolePages: ${JSON.stringify(pages)}.map((name) => ({ name, title: name + ' of ${version}', folder })), ${more}
}) })`

test('a page is served while its plugin runs; a version that fails leaves that of before', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-paged-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const write = (name: string, text: string) => writeFile(join(folder, 'paged', name), text)
  await mkdir(join(folder, 'paged/console'), { recursive: true })
  await write('package.json', '{ "name": "paged", "type": "module" }')
  await write('console/index.html', '<!doctype html><title>first</title>')
  await write('index.ts', source('1.0.0', ['one', 'two']))
  const server = await startTestServer(t, { config: { plugins: { folders: [folder] } } })
  const rescanned = async () => (await server.plugins.rescan()).find((it) => it.name === 'paged')
  const titles = async () => {
    const { pages } = (await (await server.admin('/api/v1/console/pages')).json()) as { pages: readonly { title: string }[] }
    return pages.map((it) => it.title)
  }
  const page = async (name: string) => {
    const answer = await server.admin(`/console/plugins/paged/${name}/`)
    return answer.status === 200 ? answer.text() : answer.status
  }

  assert.deepEqual(server.plugins.find('paged')?.contributions.consolePages, ['one', 'two'])
  assert.deepEqual(await titles(), ['one of 1.0.0', 'two of 1.0.0'])
  assert.match(String(await page('two')), /first/)

  await write('console/index.html', '<!doctype html><title>second</title>')
  assert.equal((await rescanned())?.reloads, 1)
  assert.match(String(await page('two')), /second/)

  await write('index.ts', source('2.0.0', ['one', 'one']))
  assert.match((await rescanned())?.error ?? '', /plugin "paged".* has two console pages named "one"/)
  assert.deepEqual(await titles(), ['one of 1.0.0', 'two of 1.0.0'])

  await write('index.ts', source('3.0.0', ['one', 'three'], 'healthy: () => false'))
  assert.match((await rescanned())?.error ?? '', /health/)
  assert.match(String(await page('two')), /second/)
  assert.equal(await page('three'), 404)

  await write('index.ts', source('4.0.0', ['one', 'three']))
  assert.equal((await rescanned())?.version, '4.0.0')
  assert.deepEqual(await titles(), ['one of 4.0.0', 'three of 4.0.0'])
  assert.equal(await page('two'), 404)

  await rm(join(folder, 'paged/console/index.html'))
  await write('console/other.html', '')
  assert.match((await rescanned())?.error ?? '', /console page "one" of plugin "paged": there is no index\.html in its folder/)

  await rm(join(folder, 'paged'), { recursive: true })
  assert.equal(await rescanned(), undefined)
  assert.deepEqual(await titles(), [])
  for (const name of ['one', 'three']) assert.equal(await page(name), 404)
})
