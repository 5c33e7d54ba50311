/** Console pages that examples bring, used in a browser. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import contentFilter from '../../plugin-sdk/examples/content-filter/index.js'
import { openBrowser } from '../support/browser.js'

test('rules of the content filter are added, tried and removed on its page, and are in force at once', async (t) => {
  const opened = await openBrowser(t, () => startTestServer(t, { plugins: [contentFilter] }))
  if (!opened) return
  const { server, page, login } = opened
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const received = async (body: string) => {
    romeo.send(`<message to="${juliet.jid}" type="chat"><body>${body}</body></message>`)
    return (await juliet.receive('message')).getChildText('body')
  }
  await page.goto('/console/plugins/content-filter/rules/')
  await login()
  await page.getByText('0 rules').waitFor()
  await page.getByLabel('Words (').fill('montague')
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByText('1 rule', { exact: true }).waitFor()
  assert.equal(await received('a Montague'), 'a ********')
  await page.getByLabel('Text', { exact: true }).fill('<b>Montague</b>')
  await page.getByRole('button', { name: 'Try' }).click()
  await page.getByText('<b>********</b>').waitFor()
  await page.getByLabel('Words (').fill('*')
  await page.getByRole('button', { name: 'Add' }).click()
  await page.locator('#status', { hasText: 'pattern' }).waitFor()
  await page.getByRole('button', { name: 'Remove montague' }).click()
  await page.getByText('0 rules').waitFor()
  assert.equal(await received('a Montague'), 'a Montague')
})
