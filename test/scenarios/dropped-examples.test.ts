/** Every example plugin, dropped into a running server as its README says. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { errorCondition, startTestServer, type TestClient, type TestServer } from '@beaconfire/plugin-sdk/testing'
import type { PluginHost } from '../../core/plugin-host/plugin-host.js'

const EXAMPLES = fileURLToPath(new URL('../../plugin-sdk/examples', import.meta.url))
const api = (name: string, path: string) => `/api/v1/plugins/${name}${path}`

interface World {
  readonly server: TestServer
  readonly romeo: TestClient
  readonly juliet: TestClient
  /** Sends a message to juliet. */
  say(body: string): void
  /** What romeo says arrives. */
  arrives(body: string, as?: string): Promise<void>
}

/** What each does, seen from outside. The settings are there before its folder is. */
const EXAMPLES_AT_WORK: Readonly<Record<string, { settings?: (t: TestContext) => Promise<object>; works(world: World): Promise<void> }>> = {
  'content-filter': {
    async works({ server, arrives }) {
      await server.admin(api('content-filter', '/rules'), { method: 'POST', json: { pattern: 'montague', action: 'mask' } })
      await arrives('a Montague', 'a ********')
    },
  },
  'rate-limiter': {
    settings: async () => ({ message: { burst: 1, perSecond: 0.001 } }),
    async works({ romeo, say, arrives }) {
      await arrives('first')
      say('second')
      assert.equal(errorCondition(await romeo.receive('message')), 'resource-constraint')
    },
  },
  webhook: {
    async settings(t) {
      const receiver = createServer((request, response) => {
        request.resume().on('end', () => response.end())
      }).listen(0, '127.0.0.1')
      await once(receiver, 'listening')
      t.after(() => void receiver.close().closeAllConnections())
      received = once(receiver, 'request')
      return { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`, secret: 'secret of sixteen', lingerMs: 0 }
    },
    async works({ arrives }) {
      await arrives('told')
      assert.ok(await received)
    },
  },
  'auto-reply': {
    settings: async () => ({ contactsOnly: false }),
    async works({ server, romeo, juliet, say }) {
      await server.admin(api('auto-reply', '/replies/juliet'), { method: 'PUT', json: { text: 'Away.' } })
      juliet.send('<presence><show>away</show></presence>')
      await juliet.sync()
      say('there?')
      await juliet.receive('message')
      assert.equal((await romeo.receive('message')).getChildText('body'), 'Away.')
    },
  },
  'stanza-audit': {
    async works({ server, romeo, arrives }) {
      await arrives('on the record')
      await romeo.sync() // a message arrives without waiting for its row, a ping behind it is answered when it is there
      const { items } = (await (await server.admin(api('stanza-audit', '/stanzas?user=romeo&kind=message'))).json()) as {
        items: { detail: string }[]
      }
      assert.match(items[0]?.detail ?? '', /on the record/)
    },
  },
}
let received: Promise<unknown> | undefined

test('every example has its place here', async () => {
  const folders = (await readdir(EXAMPLES, { withFileTypes: true })).filter((it) => it.isDirectory()).map((it) => it.name)
  assert.deepEqual(folders.sort(), Object.keys(EXAMPLES_AT_WORK).sort())
})

/** Resolves when the plugin's state is this; undefined: when it is not there. While its files are still being copied it may have failed. */
function until({ plugins }: TestServer, name: string, state: string | undefined): Promise<void> {
  const host = plugins as PluginHost
  return new Promise((resolve) => {
    const look = () => {
      if (host.find(name)?.state !== state) return
      undo()
      resolve()
    }
    const undo = host.onChange(look)
    look()
  })
}

for (const [name, { settings, works }] of Object.entries(EXAMPLES_AT_WORK)) {
  test(`${name} works when its folder is copied into the plugins of a running server, and is gone with it`, { timeout: 60_000 }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'beaconfire-drop-in-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const plugins = join(folder, 'plugins')
    await mkdir(plugins)
    const own = { [name]: await (settings?.(t) ?? {}) }
    const server = await startTestServer(t, { config: { limits: { enabled: true }, plugins: { folders: [plugins], watch: true, settings: own } } })
    const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
    const say = (body: string) => romeo.send(`<message to="juliet@test" type="chat"><body>${body}</body></message>`)
    const arrives = async (body: string, as = body) => {
      say(body)
      assert.equal((await juliet.receive('message')).getChildText('body'), as)
    }
    await arrives('before')
    await cp(join(EXAMPLES, name), join(plugins, name), { recursive: true })
    await until(server, name, 'running')
    await works({ server, romeo, juliet, say, arrives })
    await rm(join(plugins, name), { recursive: true })
    await until(server, name, undefined)
    for (const body of ['a Montague', 'after']) await arrives(body)
    await romeo.receiveNothing('message')
    assert.equal((await server.admin('/metrics').then((it) => it.text())).includes(`beaconfire_${name.replaceAll('-', '_')}_`), false)
    assert.deepEqual(
      [romeo, juliet].map((it) => server.sessions.get(it.jid)?.isOpen),
      [true, true],
    )
  })
}
