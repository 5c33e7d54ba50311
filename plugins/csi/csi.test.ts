/** What becomes of an inactive client when the plugin is exchanged; what waits, and for what, is in test/conformance/xep-0352.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnyPlugin, element, NS, parseStanza } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import csi from './index.js'

type Setup = AnyPlugin['setup']

const state = (name: 'active' | 'inactive') => element(name, { xmlns: NS.csi })
const presence = (id: string) => `<presence from="romeo@test/r" to="juliet@test/phone" id="${id}"/>`

/** Juliet's phone, whose user is not looking, and romeo, who is. */
async function start(t: TestScope, setup: Setup = csi.setup) {
  const server = await startTestServer(t, { plugins: [{ ...csi, setup }], database: 'memory' })
  const [romeo, juliet] = [await server.login('romeo', { resource: 'r' }), await server.login('juliet', { resource: 'phone' })]
  juliet.send(state('inactive'))
  await juliet.sync()
  return { server, romeo, juliet }
}

/** Sends presence, and waits until the server has carried or held it. */
async function show(romeo: TestClient, id: string): Promise<void> {
  romeo.send(presence(id))
  await romeo.sync()
}

/** Ids of all presence that was written to the client. */
async function written(juliet: TestClient, romeo: TestClient): Promise<string[]> {
  // An answer to an iq of juliet's own would bring what waits: that the server has come so far is seen by what romeo is told.
  juliet.send('<message to="romeo@test/r"><body>mark</body></message>')
  await romeo.receive('message')
  return juliet.received.filter((el) => el.getName() === 'presence').map((el) => String(el.attrs.id))
}

test('over a reload a client stays inactive: what the old version held is written before what the new one holds', async (t) => {
  let versions = 0
  const setup: Setup = (context) => {
    const own = csi.setup(context)
    const isNext = ++versions === 2
    return {
      ...own,
      async restore(saved) {
        await own.restore?.(saved)
        if (isNext) await context.route(parseStanza(presence('2'))) // comes while both versions are there
      },
    }
  }
  const { server, romeo, juliet } = await start(t, setup)
  await show(romeo, '1')
  await server.plugins.reload('csi')
  assert.deepEqual(await written(juliet, romeo), ['1'])
  await show(romeo, '3')
  juliet.send(state('active'))
  assert.deepEqual(await written(juliet, romeo), ['1', '3'])
  await show(romeo, '4')
  assert.deepEqual(await written(juliet, romeo), ['1', '3', '4'])
})

test('without a next version nothing is left behind: what waits is written, and nothing waits any more', async (t) => {
  const { server, romeo, juliet } = await start(t)
  await show(romeo, '1')
  assert.deepEqual(await written(juliet, romeo), [])
  await server.plugins.unload('csi')
  await show(romeo, '2')
  assert.deepEqual(await written(juliet, romeo), ['1', '2'])
})

test('a session that took the place of another since is not taken for it', async (t) => {
  const setup: Setup = (context) => {
    const own = csi.setup(context)
    return { ...own, save: async () => ((await own.save?.()) as [string, string][] | undefined)?.map(([jid]) => [jid, 'another']) }
  }
  const { server, romeo, juliet } = await start(t, setup)
  await server.plugins.reload('csi')
  await show(romeo, '1')
  assert.deepEqual(await written(juliet, romeo), ['1'])
})
