/** How long a swap takes, and what stanzas wait for it. Goals: 150 ms, and 50 ms for a stanza; the limits here are wide, for machines under load. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'

const SWAPS = 12
const LIMIT_MS = { swap: 600, stanza: 300 }

/** Of the size of the shipped ones: five modules, a table, configuration, interceptors, a handler, a hook, routes. */
const files = (version: string): Record<string, string> => ({
  'package.json': JSON.stringify({ name: 'typical', version, type: 'module' }),
  'index.ts': `import { definePlugin } from '@beaconfire/plugin-sdk'
import { config } from './config.js'
import { handler } from './handler.js'
import { routes } from './routes.js'
import { tables, TypicalStore } from './typical-store.js'
export default definePlugin({ name: 'typical', version: '${version}', config, tables,
  setup({ config, database, metrics }) {
    const seen = metrics.counter('seen_total', 'Seen')
    const store = new TypicalStore(database)
    return {
      interceptors: [
        { name: 'guard', band: 'guard', when: { stanza: 'message', processed: false }, interceptPacket() { seen.increment() } },
        { name: 'mark', band: 'transform', when: { stanza: 'message', incoming: true, processed: false },
          interceptPacket({ packet }) { packet.setAttribute('xml:lang', config.language + '-${version.replaceAll('.', '-')}') } },
        { name: 'log', band: 'observe', when: { stanza: 'message', processed: true }, async interceptPacket() {} },
      ],
      iqHandlers: [handler(store)], hooks: { sessionOpened: () => store.count() }, adminRoutes: routes(store),
      save: () => ({ from: '${version}' }), restore() {}, start: () => store.count(), healthy: () => true,
    }
  },
})`,
  'config.ts': `import { Type } from '@beaconfire/plugin-sdk'
export const config = Type.Object({ language: Type.String({ default: 'en' }) })`,
  'handler.ts': `import { element } from '@beaconfire/plugin-sdk'
import type { TypicalStore } from './typical-store.js'
export const handler = (store: TypicalStore) => ({ namespace: 'urn:example:typical', handle: async () => element('n', { n: String(await store.count()) }) })`,
  'routes.ts': `import { adminRoute, Type } from '@beaconfire/plugin-sdk'
import type { TypicalStore } from './typical-store.js'
export const routes = (store: TypicalStore) => ['a', 'b', 'c'].map((name) => adminRoute({ method: 'GET', path: \`/\${name}\`, summary: name,
  query: Type.Object({ limit: Type.Integer({ default: 5 }) }), response: Type.Object({ n: Type.Integer() }), handle: async () => ({ n: await store.count() }) }))`,
  'typical-store.ts': `import type { Database, Migration } from '@beaconfire/plugin-sdk'
export const tables: Migration[] = [{ version: 1, up: async (schema) => { await schema.createTable('typical', (t) => { t.bigInteger('at').notNullable() }) } }]
export class TypicalStore {
  constructor(private readonly database: Database) {}
  async count() { return (await this.database.read<{ n: number }>('select count(*) as n from typical', []))[0]?.n ?? 0 }
}`,
})

test('swaps of a plugin are short, each stanza sees one version, and none waits long, is lost, doubled or overtaken', {
  timeout: 60_000,
}, async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'beaconfire-swaps-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const write = async (version: string) => {
    await mkdir(path.join(folder, 'typical'), { recursive: true })
    for (const [name, text] of Object.entries(files(version))) await writeFile(path.join(folder, 'typical', name), text)
  }
  await write('1.0.0')
  const server = await startTestServer(t, { config: { plugins: { folders: [folder] } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet')

  let isOver = false
  let sent = 0
  const waits: number[] = []
  const languages: string[] = []
  const chatter = (async () => {
    while (!isOver) {
      const sentAt = performance.now()
      romeo.send(`<message to="${juliet.jid}" type="chat"><body>${sent}</body></message>`)
      const got = await juliet.receive('message')
      waits.push(performance.now() - sentAt)
      assert.equal(got.getChildText('body'), String(sent++))
      const language = got.attrs['xml:lang'] as string
      if (languages.at(-1) !== language) languages.push(language)
    }
  })()

  await until(() => waits.length >= 500)
  const before = Math.max(...waits.slice(100))
  const swaps: number[] = []
  const from = waits.length
  for (let i = 1; i <= SWAPS; i++) {
    await write(`1.0.${i}`)
    const startedAt = performance.now()
    await server.plugins.reload('typical')
    swaps.push(performance.now() - startedAt)
    const mark = waits.length
    await until(() => waits.length > mark + 20)
  }
  isOver = true
  await chatter
  await juliet.receiveNothing('message')

  swaps.sort((a, b) => a - b)
  const during = waits.slice(from).sort((a, b) => a - b)
  const median = swaps[Math.floor(SWAPS / 2)] as number
  const longest = during.at(-1) as number
  t.diagnostic(`swap: median ${median.toFixed(1)} ms, slowest ${swaps.at(-1)?.toFixed(1)} ms`)
  t.diagnostic(
    `a stanza's whole way meanwhile, ${during.length} of them: 99 % within ${during[Math.floor(during.length * 0.99)]?.toFixed(1)} ms, longest ${longest.toFixed(1)} ms (longest without swaps ${before.toFixed(1)} ms)`,
  )
  assert.ok(median < LIMIT_MS.swap, `a swap took ${median} ms`)
  assert.ok(longest < LIMIT_MS.stanza, `a stanza waited ${longest} ms`)
  assert.deepEqual(
    languages,
    Array.from({ length: SWAPS + 1 }, (_, i) => `en-1-0-${i}`),
  )
})

/** Resolves once `holds`, looked at in each turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}
