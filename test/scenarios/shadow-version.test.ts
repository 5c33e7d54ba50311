/** A new version of a plugin beside the one that runs: it sees everything, does nothing, and is compared until it is promoted. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
import { create } from 'tar'

interface Shadow {
  readonly version: string
  readonly notes: string[]
  readonly counts: {
    compared: number
    same: number
    differentVerdicts: number
    differentRewrites: number
    failures: number
    denied: Record<string, number>
  }
  readonly differences: {
    kind: string
    stage: string
    interceptor: string
    before: string
    live: { verdict: string; packet: string }
    shadow: { verdict: string; packet: string; detail?: string }
  }[]
}

const censor = (version: string, { mask = '***', body = '', table = '', start = '' } = {}) => `
import { definePlugin, message, PacketRejected } from '@beaconfire/plugin-sdk'
export default definePlugin({
  name: 'censor', version: '${version}', ${table}
  setup(context) {
    return {
      interceptors: [{ name: 'mask', band: 'transform', when: { stanza: 'message', incoming: true, processed: false },
        async interceptPacket({ packet, session, routed, hold }) {
          ${body}
          if (packet.kind === 'message' && packet.body) packet.body = packet.body.replaceAll('damn', '${mask}')
        } }],
      ${start}
    }
  },
})`
const table = `tables: [{ version: 1, up: async (schema) => { await schema.createTable('censored', (t) => { t.string('word') }) } }],`

async function begin(t: TestScope) {
  const base = await mkdtemp(path.join(tmpdir(), 'beaconfire-shadow-'))
  t.after(() => rm(base, { recursive: true, force: true }))
  const write = async (folder: string, source: string, name = 'censor') => {
    await mkdir(path.join(base, folder), { recursive: true })
    await writeFile(path.join(base, folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module' }))
    await writeFile(path.join(base, folder, 'index.ts'), source)
    return path.join(base, folder)
  }
  const folder = await write('plugins/censor', censor('1.0.0', { table }))
  const server = await startTestServer(t, { config: { plugins: { folders: [path.join(base, 'plugins')] } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet')
  const api = async <Answer>(call: string, json?: object) => {
    const [method = '', at = ''] = call.split(' ')
    const answer = await server.admin(`/api/v1/plugins/censor/shadow${at}`, { method, ...(json && { json }) })
    const text = await answer.text()
    return { status: answer.status, json: (text === '' ? undefined : JSON.parse(text)) as Answer }
  }
  const say = async (body: string) => {
    romeo.send(`<message to="${juliet.jid}" type="chat"><body>${body}</body></message>`)
    return (await juliet.receive('message')).getChildText('body')
  }
  /** The shadow has seen so many stanzas. */
  const compared = async (count: number) => {
    for (;;) {
      const { json } = await api<Shadow>('GET ')
      if (json.counts.compared >= count) return json
      await new Promise(setImmediate)
    }
  }
  return { base, folder, server, romeo, juliet, write, api, say, compared }
}

test('a shadow sees copies, changes nothing, is compared with the version that serves, and is promoted', async (t) => {
  const { folder, write, api, say, compared, server } = await begin(t)
  const next = await write(
    'next',
    censor('2.0.0', { mask: '****', body: `if (packet.body === 'never') throw new PacketRejected({ condition: 'policy-violation' })` }),
  )
  const started = await api<Shadow>('POST ', { folder: next, bodies: true })
  assert.deepEqual([started.status, started.json.version], [200, '2.0.0'])

  assert.equal(await say('hello'), 'hello')
  assert.equal(await say('damn it'), '*** it')
  assert.equal(await say('never'), 'never')
  const { counts, differences } = await compared(3)
  assert.deepEqual([counts.same, counts.differentRewrites, counts.differentVerdicts, counts.failures], [1, 1, 1, 0])
  const [verdict, rewrite] = differences
  assert.deepEqual(
    [verdict?.kind, verdict?.live.verdict, verdict?.shadow.verdict, verdict?.shadow.detail],
    ['verdict', 'passed', 'rejected', 'policy-violation'],
  )
  assert.match(rewrite?.before ?? '', /damn it/)
  assert.match(rewrite?.live.packet ?? '', /<body>\*\*\* it</)
  assert.match(rewrite?.shadow.packet ?? '', /<body>\*\*\*\* it</)

  const promoted = await api<{ version: string; state: string }>('POST /promote')
  assert.deepEqual([promoted.status, promoted.json.version, promoted.json.state], [200, '2.0.0', 'running'])
  assert.equal(await say('damn it'), '**** it')
  assert.match(await readFile(path.join(folder, 'index.ts'), 'utf8'), /2\.0\.0/)
  assert.equal((await api('GET ')).status, 404)
  assert.equal(server.plugins.find('censor')?.reloads, 1)
})

test('nothing that a shadow does acts: it sends, writes and closes nothing, and what it wanted is counted', async (t) => {
  const { write, api, say, compared, server, romeo, juliet } = await begin(t)
  const body = `
    hold(new Promise(() => {}))
    context.send(message({ to: session.jid, type: 'chat' }))
    context.route(message({ to: session.jid, type: 'chat' }))
    session.close('policy-violation')
    for (const other of context.sessions.all()) other.deliver(message({ to: other.jid }))
    const tried = async (work) => { try { await work() } catch (error) { if (error.name !== 'ShadowDenied') throw error } }
    await tried(() => context.database.knex('censored').insert({ word: 'x' }))
    await tried(() => context.database.knex.raw("insert into censored (word) values ('y')"))
    await tried(() => context.database.transaction((trx) => trx('censored').insert({ word: 'z' })))
    await tried(() => context.database.knex.transaction((trx) => trx('censored').insert({ word: 'z' })))
    await tried(() => context.database.knex.schema.dropTable('censored'))
    await tried(() => context.database.read("delete from censored", []))
    await tried(() => context.accounts.remove('romeo'))
    await context.database.appender('censored', ['word']).append({ word: 'w' })
    if (!((await context.database.nextId(7)) > 0)) throw new Error('rows get no numbers')
    await context.database.knex('censored').select('*')
    await context.database.read('select word from censored', [])
    if (!(await context.accounts.exists('romeo'))) throw new Error('cannot read')`
  const next = await write('next', censor('2.0.0', { body, table }))
  assert.equal((await api('POST ', { folder: next })).status, 200)
  await say('hello')
  const { counts } = await compared(1)
  assert.equal(counts.failures, 0)
  assert.deepEqual(counts.denied, {
    send: 1,
    route: 1,
    'session.close': 1,
    'session.deliver': 2,
    'a database query that writes': 3,
    'database.transaction': 1,
    'database.knex.transaction': 1,
    'database.read of something else than a select': 1,
    'accounts.remove': 1,
    'database.append': 1,
  })
  await romeo.sync()
  await romeo.receiveNothing('message')
  await juliet.receiveNothing('message')
  assert.ok(await server.accounts.find('romeo'))
  assert.deepEqual(await server.database.forPlugin('censor').knex('censored').select(), [])
})

test('a shadow whose start writes and sends does neither, looks on all the same, and says what was left out of its start', async (t) => {
  const { write, api, say, compared, server, juliet } = await begin(t)
  const start = `async start() {
    context.send(message({ to: '${juliet.jid}', type: 'chat' }))
    if (!(await context.database.knex.schema.hasColumn('censored', 'word'))) throw new Error('cannot look at its table')
    await context.database.knex('censored').insert({ word: 'x' })
    throw new Error('is not reached')
  },`
  const started = await api<Shadow>('POST ', { folder: await write('next', censor('2.0.0', { start, table, mask: '#' })) })
  assert.equal(started.status, 200)
  assert.equal(started.json.notes.length, 1)
  assert.match(
    started.json.notes[0] ?? '',
    /plugin "censor" wanted to act when it was started .*a database query that writes.*the rest of its start was left out/,
  )
  assert.equal(await say('damn'), '***')
  const { counts } = await compared(1)
  assert.deepEqual([counts.differentRewrites, counts.denied], [1, { send: 1, 'a database query that writes': 1 }])
  await juliet.receiveNothing('message')
  assert.deepEqual(await server.database.forPlugin('censor').knex('censored').select(), [])
})

test('what a shadow requires is a version of its own, so that what it asks of others does not act either', async (t) => {
  const { write, api, say, compared, server } = await begin(t)
  const told: string[] = []
  Object.assign(globalThis, { toldOfWords: told })
  const words = `
    import { definePlugin, message } from '@beaconfire/plugin-sdk'
    export default definePlugin({ name: 'words', version: '1.0.0', provides: ['words'],
      tables: [{ version: 1, up: (schema) => schema.createTable('words', (t) => { t.string('word') }) }],
      setup: (context) => ({ services: { words: { async keep(word) {
        globalThis.toldOfWords.push(word)
        await context.database.knex('words').insert({ word }).catch((error) => { if (error.name !== 'ShadowDenied') throw error })
      } } } }) })`
  await write('plugins/words', words, 'words')
  const requiring = (version: string) =>
    censor(version, { body: `if (packet.body) await context.services.words.keep(packet.body + ' ${version}')` }).replace(
      "name: 'censor',",
      "name: 'censor', requires: ['words'],",
    )
  await write('plugins/censor', requiring('1.0.0'))
  await server.plugins.rescan()
  assert.equal(server.plugins.find('censor')?.error, undefined)
  assert.equal((await api('POST ', { folder: await write('next', requiring('2.0.0')) })).status, 200)
  await say('hello')
  const { counts } = await compared(1)
  assert.deepEqual([counts.failures, counts.denied], [0, { 'a database query that writes': 1 }])
  assert.deepEqual(told, ['hello 1.0.0', 'hello 2.0.0'])
  assert.deepEqual(await server.database.forPlugin('words').knex('words').select(), [{ word: 'hello 1.0.0' }])
})

test('what a shadow throws, or never ends, costs the stanza nothing, and shows; unasked nothing that was said is shown', async (t) => {
  const { write, api, say, compared } = await begin(t)
  const next = await write(
    'next',
    censor('2.0.0', {
      body: `if (packet.body === 'fail') throw new RangeError('bad word in: ' + packet); if (packet.body === 'hang') await new Promise(() => {})`,
    }).replace("band: 'transform',", "band: 'transform', budget: 30,"),
  )
  await api('POST ', { folder: next })
  for (const body of ['fail', 'hang', 'damn secret']) await say(body)
  const { counts, differences } = await compared(3)
  assert.deepEqual([counts.failures, counts.differentVerdicts], [2, 2])
  assert.deepEqual(
    differences.map((it) => it.shadow.verdict),
    ['failed', 'failed'],
  )
  assert.ok(!JSON.stringify(differences).includes('<body>fail'))
  assert.deepEqual(
    differences.map((it) => it.shadow.detail),
    ['NotSettled', 'RangeError'],
  )
  assert.equal((await api('DELETE ')).status, 204)
  assert.equal((await api('DELETE ')).status, 404)
})

test('a shadow that does not load or start is refused with the reason, and the plugin serves on', async (t) => {
  const { write, api, say, base } = await begin(t)
  const broken = await write('broken', 'this is no code')
  const stuck = await write('stuck', censor('2.0.0', { start: `start() { throw new Error('no luck') }` }))
  const other = await write('other', censor('2.0.0').replace("name: 'censor'", "name: 'other'"))
  for (const [folder, status, reason] of [
    [broken, 422, /plugin "censor"/],
    [stuck, 422, /start\(\) failed: no luck/],
    [other, 422, /is named "other"/],
    [path.join(base, 'nowhere'), 400, /there is no plugin in/],
  ] as const) {
    const refused = await api<{ message: string }>('POST ', { folder })
    assert.equal(refused.status, status)
    assert.match(refused.json.message, reason)
  }
  assert.equal((await api('POST /promote')).status, 404)
  assert.equal(await say('damn'), '***')
})

test('a shadow comes as a package too, and one that does not run as a plugin is not left in its place', async (t) => {
  const { base, folder, write, server, say } = await begin(t)
  await rm(folder, { recursive: true })
  await server.plugins.rescan()
  const pack = async (source: string) => {
    await write('package', source)
    await create({ file: path.join(base, 'p.tgz'), gzip: true, cwd: base }, ['package'])
    const body = await readFile(path.join(base, 'p.tgz'))
    return { body, sha256: createHash('sha256').update(body).digest('hex') }
  }
  const send = async (at: string, { body, sha256 }: { body: Buffer; sha256: string }) =>
    server.admin(`/api/v1/plugins${at}?sha256=${sha256}`, { method: 'POST', body, headers: { 'content-type': 'application/gzip' } })
  assert.equal((await send('', await pack(censor('1.0.0')))).status, 200)
  assert.equal(await say('damn'), '***')

  const shadow = await pack(censor('2.0.0', { mask: '#' }))
  assert.equal((await send('/censor/shadow/package', { ...shadow, sha256: '0'.repeat(64) })).status, 400)
  assert.equal((await send('/censor/shadow/package', shadow)).status, 200)
  assert.equal(await say('damn'), '***')
  // One that does not start takes nothing of the other's place.
  assert.equal((await send('/censor/shadow/package', await pack(censor('2.5.0', { start: `start() { throw new Error('no luck') }` })))).status, 422)
  assert.equal((await server.admin('/api/v1/plugins/censor/shadow/promote', { method: 'POST' })).status, 200)
  assert.equal(server.plugins.find('censor')?.version, '2.0.0')
  assert.deepEqual(await readdir(path.join(server.dataFolder, 'plugin-shadows')), [])
  assert.equal(await say('damn'), '#')

  // Runs as a shadow, where nothing is registered; as a plugin it claims what core has.
  const conflicting = censor('3.0.0', { start: `iqHandlers: [{ namespace: 'urn:xmpp:ping', handle() {} }],` })
  assert.equal((await send('/censor/shadow/package', await pack(conflicting))).status, 200)
  const refused = await server.admin('/api/v1/plugins/censor/shadow/promote', { method: 'POST' })
  assert.equal(refused.status, 422)
  assert.match(((await refused.json()) as { message: string }).message, /urn:xmpp:ping/)
  assert.equal(await say('damn'), '#')
  assert.equal(server.plugins.find('censor')?.version, '2.0.0')
})

test('a shadow ends with its plugin, and it is written down', async (t) => {
  const { write, api, server, folder, romeo, juliet } = await begin(t)
  assert.equal((await api('POST ', { folder: await write('next', censor('2.0.0', { mask: '#' })) })).status, 200)
  await rm(folder, { recursive: true })
  await server.plugins.rescan()
  assert.equal((await api('GET ')).status, 404)
  const interceptors = (await (await server.admin('/api/v1/interceptors?plugin=censor')).json()) as { items: unknown[] }
  assert.deepEqual(interceptors.items, [])
  const { items } = (await (await server.admin('/api/v1/audit')).json()) as { items: { administrator: string; summary: string }[] }
  assert.ok(items.some((it) => it.administrator === 'beaconfire' && it.summary === 'ended the shadow of plugin censor'))
  romeo.send(`<message to="${juliet.jid}" type="chat"><body>damn</body></message>`)
  assert.equal((await juliet.receive('message')).getChildText('body'), 'damn')
})
