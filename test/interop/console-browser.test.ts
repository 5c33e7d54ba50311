/** The web console and a plugin's page in it, as a browser sees them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import { shapeOf } from '../../scripts/create-plugin/plugin-shape.js'
import { writePlugin } from '../../scripts/create-plugin/write-plugin.js'
import { surroundingsIn } from '../../scripts/create-plugin.js'
import { type OpenedBrowser, openBrowser } from '../support/browser.js'

const WORDS = `
import { adminRoute, definePlugin, Type } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: 'words', version: '1.0.0', setup() {
  const words: string[] = []
  const body = Type.Object({ word: Type.String({ minLength: 2 }) })
  return {
    adminRoutes: [
      adminRoute({ method: 'POST', path: '/words', summary: 'Adds', body, handle: ({ body }) => { words.push(body.word); return { words } } }),
      adminRoute({ method: 'DELETE', path: '/words', summary: 'Empties', handle: () => void words.splice(0) }),
      adminRoute({ method: 'GET', path: '/words', summary: 'Lists', handle: () => ({ words }) }),
    ],
    consolePages: [{ name: 'words', title: 'Words', folder: new URL('./console', import.meta.url) }],
  }
} })`
const WORDS_PAGE = `<!doctype html><html lang="en"><title>Words</title>
<script>document.title = 'inline script ran'</script>
<script type="module" src="words.js"></script>
<label for="word">Word</label><input id="word"><button id="add">Add</button><output id="words">?</output></html>`
const WORDS_SCRIPT = `
import { api } from '/console/console.js'
const [field, output] = [document.getElementById('word'), document.getElementById('words')]
document.getElementById('add').onclick = async () => {
  try { output.value = (await api('/api/v1/plugins/words/words', { method: 'POST', json: { word: field.value } })).words.join() }
  catch (error) { output.value = error.status + ' ' + error.code + ' ' + error.field }
}
output.value = (await api('/api/v1/plugins/words/words')).words.length`

/** A server with two plugins that have pages, and a browser that nobody is logged in with; undefined where there is no browser. */
async function open(t: TestContext): Promise<OpenedBrowser | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-browser-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writePlugin(shapeOf('hello', { adminRoute: true, consolePage: true }), folder, surroundingsIn(folder).placeOf(folder))
  await mkdir(join(folder, 'words/console'), { recursive: true })
  const files = {
    'package.json': '{ "name": "words", "type": "module" }',
    'index.ts': WORDS,
    'console/index.html': WORDS_PAGE,
    'console/words.js': WORDS_SCRIPT,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, 'words', name), text)
  return openBrowser(t, () => startTestServer(t, { config: { plugins: { folders: [folder] } } }))
}

test('an administrator logs in on the way to a page that create-plugin wrote, which shows what the admin API says', async (t) => {
  const opened = await open(t)
  if (!opened) return
  const { context, page, login } = opened
  const complaints: string[] = []
  await page.goto('/console/plugins/hello/overview/')
  assert.equal(new URL(page.url()).pathname, '/console/login')
  await page.getByLabel('Admin token').fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').waitFor()
  // What is merely informed of depends on who is quicker: the browser's autofocus or the test's typing.
  page.on('console', (message) => ['warning', 'error'].includes(message.type()) && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  await login()
  await page.getByRole('status').getByText('hello', { exact: true }).waitFor()
  await page.getByRole('link', { name: 'All pages' }).click()
  await page.getByRole('heading', { name: 'Console' }).waitFor()
  assert.deepEqual(await page.getByRole('navigation').getByRole('link').allInnerTexts(), ['hello', 'Words'])
  await page.goto('/')
  assert.equal(new URL(page.url()).pathname, '/console/')
  assert.deepEqual(complaints, [])
  assert.equal(await page.evaluate('document.cookie'), '')
  assert.deepEqual(
    (await context.cookies()).map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite })),
    [{ httpOnly: true, sameSite: 'Strict' }],
  )
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Admin token').waitFor()
  await page.goto('/console/plugins/hello/overview/')
  assert.equal(new URL(page.url()).pathname, '/console/login')
})

test('a page changes something through the admin API; a script written into its HTML does not run', async (t) => {
  const opened = await open(t)
  if (!opened) return
  const { context, page, login } = opened
  await page.goto('/console/plugins/words/words/')
  await login()
  const shows = (text: string) => page.locator('output', { hasText: new RegExp(`^${text}$`) }).waitFor()
  await shows('0')
  assert.equal(await page.title(), 'Words')
  await page.getByLabel('Word').fill('beacon')
  await page.getByRole('button').click()
  await shows('beacon')
  await page.getByLabel('Word').fill('x')
  await page.getByRole('button').click()
  await shows('400 validation body.word')
  // Another tab logs in anew: this one still has the right token for what it changes.
  const other = await context.newPage()
  await context.clearCookies()
  await other.goto('/console/plugins/words/words/')
  await other.getByLabel('Admin token').fill(opened.server.adminToken)
  await other.keyboard.press('Enter')
  await other.getByLabel('Word').waitFor()
  await page.getByLabel('Word').fill('fire')
  await page.getByRole('button').click()
  await shows('beacon,fire')
  // Who is not logged in any more is led to the login, and comes back.
  await context.clearCookies()
  await page.getByRole('button').click()
  await page.waitForURL(/login\?next=%2Fconsole%2Fplugins%2Fwords%2Fwords%2F$/)
  await login()
  await shows('2')
})

test('a page of another origin, even on the same host, changes and reads nothing, and frames nothing', async (t) => {
  const opened = await open(t)
  if (!opened) return
  const { server, page, login } = opened
  await page.goto('/console/plugins/words/words/')
  await login()
  await page.getByLabel('Word').waitFor()
  // One that is the same site as the console to a browser: cookies of the strictest kind go along.
  const api = `${server.url}/api/v1/plugins/words/words`
  const evil = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<form method="post" action="${api}"><button>Form</button></form><iframe src="${server.url}/console/"></iframe>`)
  }).listen(0, '127.0.0.1')
  await once(evil, 'listening')
  t.after(() => evil.close())
  await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`)
  const sent = (method: string, mode: string) =>
    page.evaluate(
      ({ api, method, mode }) =>
        fetch(api, { method, mode: mode as 'cors', credentials: 'include' }).then(
          (answer) => answer.text(),
          () => 'refused',
        ),
      { api, method, mode },
    )
  assert.equal(await sent('GET', 'cors'), 'refused')
  assert.equal(await sent('DELETE', 'cors'), 'refused')
  assert.equal(await sent('POST', 'cors'), 'refused')
  assert.ok(['', 'refused'].includes(await sent('POST', 'no-cors')))
  assert.ok(!page.frames().some((it) => it.url().startsWith(`${server.url}/console`)))
  const [answer] = await Promise.all([page.waitForResponse(api), page.getByRole('button', { name: 'Form' }).click()])
  assert.equal(answer.status(), 403)
  assert.deepEqual(await (await server.admin('/api/v1/plugins/words/words')).json(), { words: [] })
})
