/** What a plugin knows is handed to its next version without a stanza in between. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { type AnyPlugin, definePlugin } from '@beaconfire/plugin-sdk'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import presence from '../../plugins/presence/index.js'
import privacy from '../../plugins/privacy/index.js'
import roster from '../../plugins/roster/index.js'

const SWAPS = 6
/** What the plugin of these tests, which shares no memory with them otherwise, has counted, and what its start waits for. */
const word = { count: 0, start: async () => {}, restored: 0 }
Object.assign(globalThis, { wordOfCounter: word })

const counter = (restore = '') => `
import { definePlugin } from '@beaconfire/plugin-sdk'
const word = (globalThis as any).wordOfCounter
export default definePlugin({ name: 'counter', version: '1.0.0', setup() {
  let count = 0
  return {
    interceptors: [{ name: 'count', band: 'observe', when: { stanza: 'message', incoming: true, processed: false }, interceptPacket() { word.count = ++count } }],
    start: () => word.start(),
    save: () => ({ count }),
    restore(state) { ${restore} count = (state as { count: number }).count; word.restored++ },
  }
} })`

async function countedTraffic(t: TestContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'beaconfire-counter-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const write = async (source: string) => {
    await mkdir(path.join(folder, 'counter'), { recursive: true })
    await writeFile(path.join(folder, 'counter/package.json'), '{ "name": "counter", "version": "1.0.0", "type": "module" }')
    await writeFile(path.join(folder, 'counter/index.ts'), source)
  }
  Object.assign(word, { count: 0, restored: 0, start: async () => {} })
  await write(counter())
  const server = await startTestServer(t, { config: { plugins: { folders: [folder] } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet')
  let isOver = false
  let sent = 0
  let received = 0
  /** Messages are on their way all the time. */
  const traffic = (async () => {
    while (!isOver) {
      for (let i = 0; i < 5; i++) romeo.send(`<message to="${juliet.jid}" type="chat"><body>${sent++}</body></message>`)
      for (; received < sent - 2; received++) await juliet.receive('message')
    }
    for (; received < sent; received++) await juliet.receive('message')
  })()
  const more = async (messages: number) => {
    const until = received + messages
    while (received < until) await new Promise(setImmediate)
  }
  const end = async () => {
    isOver = true
    await traffic
    return sent
  }
  return { server, write, more, end }
}

test('a plugin that is swapped again and again while messages flow loses no count, however slowly it starts', { timeout: 60_000 }, async (t) => {
  const { server, more, end } = await countedTraffic(t)
  await more(20)
  word.start = () => more(30)
  for (let i = 0; i < SWAPS; i++) {
    await server.plugins.reload('counter')
    await more(10)
  }
  assert.equal(word.restored, SWAPS)
  const sent = await end()
  assert.equal(word.count, sent)
})

test('a version whose restore fails leaves the old one serving, with all it knows', async (t) => {
  const { server, write, more, end } = await countedTraffic(t)
  await more(20)
  await write(counter(`throw new Error('cannot read this');`))
  await assert.rejects(server.plugins.reload('counter'), /restore\(\) failed: cannot read this/)
  assert.equal(server.plugins.find('counter')?.state, 'running')
  await more(10)
  const sent = await end()
  assert.equal(word.count, sent)
})

/** A plugin whose start takes as long as `during`, once that is set. */
function startingSlowly(plugin: AnyPlugin): { readonly plugin: AnyPlugin; during: () => Promise<void> } {
  const slow = {
    during: async () => {},
    plugin: definePlugin({
      ...plugin,
      setup(context) {
        const contributions = plugin.setup(context)
        const start = async () => {
          await contributions.start?.()
          await slow.during()
        }
        return { ...contributions, start }
      },
    }),
  }
  return slow
}

const JULIET = '<list name="no-juliet"><item type="jid" value="juliet@test" action="deny" order="1"/></list>'

test('what clients ask of a shipped plugin while its next version starts holds with that, too', async (t) => {
  const [slowRoster, slowPrivacy] = [startingSlowly(roster), startingSlowly(privacy)]
  const server = await startTestServer(t, { plugins: [slowRoster.plugin, presence, slowPrivacy.plugin] })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet')
  const privately = (what: string) => romeo.request(`<iq type="set" id="p"><query xmlns="jabber:iq:privacy">${what}</query></iq>`)
  slowRoster.during = async () => void (await romeo.request('<iq type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>'))
  slowPrivacy.during = async () => {
    await privately(JULIET)
    await privately('<active name="no-juliet"/>')
  }
  await server.plugins.reload('roster')
  await romeo.request('<iq type="set" id="s"><query xmlns="jabber:iq:roster"><item jid="nurse@test"/></query></iq>')
  await romeo.receive((el) => el.getChild('query', 'jabber:iq:roster')?.getChild('item')?.attrs.jid === 'nurse@test', 'a push')
  juliet.send(`<message to="${romeo.jid}" type="chat"><body>Hark!</body></message>`)
  await juliet.sync()
  await romeo.receiveNothing('message')
})
