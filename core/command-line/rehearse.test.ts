import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startTestServer, type TestConfig, type TestServer } from '@beaconfire/plugin-sdk/testing'
import { onMariaDb } from '../../test/support/engines.js'
import { runCommandLine } from './command-line.js'
import type { RehearsalReport } from './rehearse/report.js'

const FILTER = fileURLToPath(new URL('../../plugin-sdk/examples/content-filter', import.meta.url))
const MANIFEST = '{ "name": "shout", "version": "1.0.0", "type": "module" }'
/** A plugin with one interceptor: `body` is what its interceptPacket does. */
const shout = (body: string, { band = 'transform', more = '' } = {}) => `
import { definePlugin, message, PacketRejected } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: 'shout', version: '1.0.0', setup: ({ accounts, database, send }) => ({ interceptors: [{
  name: 'shout', band: '${band}', when: { stanza: 'message', incoming: true, processed: false }, ${more}
  interceptPacket({ packet, session, hold }) { ${body} },
}] }) })`
const LOUD = 'packet.body = packet.body?.toUpperCase()'

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-rehearse-test-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function plugin(t: TestContext, source: string): Promise<string> {
  const folder = await temporary(t)
  await writeFile(join(folder, 'package.json'), MANIFEST)
  await writeFile(join(folder, 'index.ts'), source)
  return folder
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const said = { out: '', err: '' }
  const code = await runCommandLine(['rehearse', ...args], {
    env: { PATH: process.env.PATH, ...env },
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    isInteractive: false,
  })
  const report = args.includes('--json') && said.out ? (JSON.parse(said.out) as RehearsalReport) : undefined
  return { code, ...said, report: report as RehearsalReport }
}

/** A recording by hand, each crossing one line. */
async function recording(t: TestContext, ...crossings: { body?: string; at?: number; packet?: string; steps?: object[]; bodies?: boolean }[]) {
  const session = { kind: 'client', id: 's1', remoteAddress: '192.0.2.1', secure: true, jid: 'romeo@test/a' }
  const lines = crossings.map(({ body = 'Wherefore?', at = 1_700_000_000_000, packet, steps = [], bodies = true }, index) => ({
    flight: `f${index}`,
    at: at + index,
    bodies,
    crossing: 0,
    incoming: true,
    session,
    packet: packet ?? `<message from="romeo@test/a" to="juliet@test" type="chat" id="m${index}"><body>${body}</body></message>`,
    steps,
  }))
  const file = join(await temporary(t), 'recording.jsonl')
  const header = { format: 'beaconfire-recording', version: 1, domain: 'test', recordedAt: '', flights: lines.length }
  await writeFile(file, [header, ...lines].map((it) => `${JSON.stringify(it)}\n`).join(''))
  return file
}

const ALONE = ['--json', '--no-database']

test('two versions that do the same are told apart by nothing but their time', async (t) => {
  const file = await recording(t, {}, { body: 'Art thou not a Montague?' })
  const [old, changed] = [await plugin(t, shout(LOUD)), await plugin(t, shout(`const { body } = packet; if (body) packet.body = body.toUpperCase()`))]
  const { code, report } = await run([changed, '--against', old, '--recording', file, ...ALONE])
  assert.equal(code, 0)
  assert.deepEqual([report.plugin, report.stanzas, report.differing, report.differences, report.errors], ['shout', 2, 0, [], []])
  for (const times of [report.times.shout?.old, report.times.shout?.new]) {
    assert.equal(times?.calls, 2)
    assert.ok(times.p50 > 0 && times.p50 <= times.p99 && times.p99 <= times.max)
  }
})

test('verdicts, rewrites, errors and acts that differ are shown with their stanza', async (t) => {
  const file = await recording(t, { body: 'say' }, { body: 'forbid' }, { body: 'fail' }, { body: 'act' }, { body: 'same' })
  const changed = `
    if (packet.body === 'say') packet.body = 'SAY!'
    else if (packet.body === 'forbid') throw new PacketRejected({ condition: 'policy-violation', text: 'Not that.' })
    else if (packet.body === 'fail') throw new Error('broken')
    else { if (packet.body === 'act') { send(message({ to: packet.from })); hold(Promise.resolve()) }
    ${LOUD} }`
  const folders = [await plugin(t, shout(changed)), '--against', await plugin(t, shout(LOUD))]
  const { code, report } = await run([...folders, '--recording', file, ...ALONE])
  assert.equal(code, 1)
  assert.deepEqual(
    report.differences.map(({ kind, stanza, stage, old, new: now }) => [kind, stanza, stage, old, now]),
    [
      ['rewrite', 'f0', 'IN-pre', 'rewritten by shout', 'rewritten by shout'],
      ['verdict', 'f1', 'IN-pre', 'passed', 'rejected by shout: policy-violation: Not that.'],
      ['rewrite', 'f2', 'IN-pre', 'rewritten by shout', 'left as it was'],
      ['error', 'f2', 'IN-pre', 'none', 'shout: broken'],
      ['acts', 'f3', 'IN-pre', 'none', 'send, hold'],
    ],
  )
  assert.match(report.differences[0]?.change ?? '', /<body>SAY\{\+!\+\}<\/body>/)
  assert.deepEqual([report.differing, report.counts], [4, { verdict: 1, rewrite: 2, error: 1, acts: 1 }])
  assert.deepEqual(report.errors, [{ version: 'new', error: 'shout: broken', count: 1, stanza: 'f2' }])
  assert.deepEqual([report.old.denied, report.new.denied], [{}, { send: 1 }])
  const { out } = await run([...folders, '--recording', file, '--no-database', '--differences', '1'])
  assert.match(out, /4 of 5 stanzas differ: 1 verdicts, 2 rewrites, 1 errors, 1 acts, of which 1 are shown/)
  assert.match(out, /new: send, 1 times/)
})

test('nothing that is asked for is done: accounts, sessions and the database are refused by name', async (t) => {
  const acts = `await accounts.remove('romeo').catch(() => {}); await database.transaction(async () => {}).catch(() => {});
    await database.knex('ofUser').delete().catch(() => {}); session.close(); if (await accounts.exists('romeo')) throw new Error('who?')`
  const source = shout(acts).replace('interceptPacket(', 'async interceptPacket(')
  const args = [await plugin(t, source), '--against', await plugin(t, shout('')), '--recording', await recording(t, {}), ...ALONE]
  const { report } = await run(args)
  assert.deepEqual(report.new.denied, { 'accounts.remove': 1, 'database.transaction': 1, 'a database query that writes': 1, 'session.close': 1 })
  assert.deepEqual(report.errors, [])
})

test('a plugin that wants to write when it is started is rehearsed, and the report says so', async (t) => {
  const source = shout(LOUD).replace('({ interceptors', '({ start: () => database.knex("ofUser").delete(), interceptors')
  const args = [await plugin(t, source), '--against', await plugin(t, shout(LOUD)), '--recording', await recording(t, {}), ...ALONE]
  const { code, report } = await run(args)
  assert.deepEqual([code, report.new.denied], [0, { 'a database query that writes': 1 }])
  assert.match(report.notes.join(), /new version: plugin "shout" wanted to act when it was started/)
})

test('the clock shows when a stanza was recorded, and a budget ends a call that never settles', async (t) => {
  const at = Date.parse('2020-02-02T02:02:02Z')
  const source = shout('packet.body = new Date().toISOString(); return new Promise(() => {})', { more: 'budget: 20, onError: "closed",' })
  const args = [await plugin(t, source), '--against', await plugin(t, shout('packet.body = new Date(Date.now()).toISOString()')), ...ALONE]
  const { report } = await run([...args, '--recording', await recording(t, { at })])
  assert.deepEqual(
    report.differences.map((it) => [it.kind, it.new]),
    [
      ['verdict', 'rejected by shout: internal-server-error: A check that this server requires could not be made.'],
      ['error', 'shout: given up after its budget of 20 ms'],
    ],
  )
  const same = await run([args[2] as string, '--against', args[2] as string, '--recording', await recording(t, { at }), ...ALONE])
  assert.equal(same.code, 0)
})

test('an interceptor meets the stanza as those before it had left it', async (t) => {
  const after = '<message from="romeo@test/a" to="juliet@test" type="chat"><body>masked</body></message>'
  const steps = [
    { plugin: 'filter', before: 'x', after },
    { plugin: 'shout', before: after, after: 'what the old one made of it' },
  ]
  const args = [await plugin(t, shout(LOUD)), '--against', await plugin(t, shout('')), '--recording', await recording(t, { steps })]
  const { report } = await run([...args, ...ALONE])
  assert.match(report.differences[0]?.change ?? '', /<body>\[-masked-\]\{\+MASKED\+\}<\/body>/)
})

describe('what keeps a rehearsal from being run is named', () => {
  const failure = async (t: TestContext, changed: string, ...more: string[]) => {
    const args = [await plugin(t, changed), '--against', await plugin(t, shout('')), '--recording', await recording(t, {}), '--no-database', ...more]
    const { code, err, out } = await run(args)
    assert.deepEqual([code, out], [2, ''], err)
    return err
  }
  const named = /^The rehearsal could not be run: the changed version of plugin "shout": /

  test('a version that throws when it is imported, set up or started, or is none', async (t) => {
    const cases: [string, RegExp][] = [
      ['throw new Error("at import")', /index\.ts:1: at import/],
      [shout('').replace('setup: (', 'setup: () => { throw new Error("no setup") }, other: ('), /setup\(\) failed: no setup/],
      [shout('').replace('({ interceptors', '({ start() { throw new Error("no start") }, interceptors'), /start\(\) failed: no start/],
      [shout('').replace("version: '1.0.0'", "version: '1.0.0', requires: ['nothing']"), /requires service "nothing"/],
    ]
    for (const [source, wanted] of cases) {
      const err = await failure(t, source)
      assert.match(err, named)
      assert.match(err, wanted)
    }
  })

  test('a version that ends its process, or blocks it', async (t) => {
    assert.match(
      await failure(t, shout('console.log("good bye"); process.exit(3)')),
      /ended by itself \(exit code 3\); the last it printed:\ngood bye/,
    )
    assert.match(await failure(t, shout('for (;;);'), '--timeout', '1'), /has not answered for 1 s while stanza f0 is handled/)
  })

  test('folders and sources that are not there, or are none', async (t) => {
    const [good, empty] = [await plugin(t, shout('')), await temporary(t)]
    const file = await recording(t, {})
    await writeFile(join(empty, 'text'), 'hello\n')
    await mkdir(join(empty, 'folder'))
    const cases: [string[], RegExp][] = [
      [[join(empty, 'nothing'), '--recording', file], /there is nothing at/],
      [[join(empty, 'folder'), '--recording', file], /there is no plugin in/],
      [[good, '--recording', file], /there is no plugin "shout" in .*--against/],
      [[good, '--against', empty, '--recording', file], /the present version of plugin "shout": there is no plugin in/],
      [[good, '--against', good, '--recording', join(empty, 'text')], /line 1 is no JSON/],
      [[good, '--against', good, '--recording', join(empty, 'nothing')], /cannot be read/],
      [[good, '--against', good], /either --recording <file> or --chatlog/],
      [[good, '--against', good, '--chatlog', 'yesterday..'], /is no date or time/],
      [[good, '--against', good, '--chatlog', '2026-01-02..2026-01-01'], /ends before it begins/],
      [[good, '--against', good, '--recording', await recording(t)], /there is no stanza/],
    ]
    for (const [args, wanted] of cases) {
      const { code, err } = await run([...args, '--no-database'])
      assert.equal(code, 2, args.join(' '))
      assert.match(err, wanted)
    }
  })

  test('a stanza of a recording that is none is passed over and counted', async (t) => {
    const file = await recording(t, {}, { packet: '<message><body>' }, { packet: '<!DOCTYPE x><message/>' }, { bodies: false })
    const good = await plugin(t, shout(''))
    const { code, report } = await run([good, '--against', good, '--recording', file, ...ALONE])
    assert.deepEqual([code, report.stanzas, report.unreadable], [0, 2, 2])
    assert.match(report.notes.join(), /1 stanzas were recorded without texts/)
  })
})

/** A server with the content filter, a rule, and three messages that went past it. */
async function served(t: TestContext, database: TestConfig['database'] = {}) {
  const plugins = await temporary(t)
  await cp(FILTER, join(plugins, 'content-filter'), { recursive: true })
  const server = await startTestServer(t, { database, config: { plugins: { folders: [plugins] } } })
  const rule = { method: 'POST', json: { pattern: 'montague', action: 'mask' } }
  assert.equal((await server.admin('/api/v1/plugins/content-filter/rules', rule)).status, 201)
  const armed = await server.admin('/api/v1/recorder', { method: 'PUT', json: { stanza: 'message', bodies: true } })
  assert.equal(armed.status, 200)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  for (const body of ['Good morrow', 'a Montague', 'a capulet']) {
    romeo.send(`<message to="${juliet.jid}" type="chat"><body>${body}</body></message>`)
    await juliet.receive('message')
  }
  await romeo.sync()
  const changed = join(await temporary(t), 'content-filter')
  await cp(FILTER, changed, { recursive: true })
  const source = join(changed, 'matcher.ts')
  // The changed version masks with another character.
  await writeFile(source, (await readFile(source, 'utf8')).replaceAll("'*'", "'#'"))
  return { server, plugins, changed, env: envOf(server, plugins) }
}

function envOf({ dataFolder, config: { database } }: TestServer, plugins: string): NodeJS.ProcessEnv {
  const { client, connection } = database
  return {
    BEACONFIRE_DOMAIN: 'test',
    BEACONFIRE_DATA_FOLDER: dataFolder,
    BEACONFIRE_PLUGINS_FOLDERS: plugins,
    BEACONFIRE_DATABASE_CLIENT: client,
    BEACONFIRE_DATABASE_CONNECTION_USER: connection.user,
    BEACONFIRE_DATABASE_CONNECTION_PASSWORD: connection.password,
    BEACONFIRE_DATABASE_CONNECTION_DATABASE: connection.database,
    ...(connection.socketPath !== undefined && { BEACONFIRE_DATABASE_CONNECTION_SOCKET_PATH: connection.socketPath }),
  }
}

test("a real server's recording and chat log are rehearsed with the rules that its database has, while it runs", async (t) => {
  const { server, plugins, changed, env } = await served(t)
  const file = join(await temporary(t), 'recording.jsonl')
  await writeFile(file, await (await server.admin('/api/v1/recorder/export')).text())
  const before = await readdir(join(plugins, 'content-filter'))
  const { code, report, err } = await run([changed, '--recording', file, '--json'], env)
  assert.equal(code, 1, err)
  assert.equal(report.stanzas, 3)
  assert.deepEqual(
    report.differences.map(({ kind, stage, change }) => [kind, stage, /\[-\*+-\]\{\+#+\+\}/.test(change ?? '')]),
    [['rewrite', 'IN-pre', true]],
  )
  const same = await run([join(plugins, 'content-filter'), '--recording', file, '--json'], env)
  assert.deepEqual([same.code, same.report.differences], [0, []])
  await logged(changed, env)
  assert.deepEqual(await readdir(join(plugins, 'content-filter')), before)
})

/** What the chat log has was masked already: the rule finds nothing more in it. */
async function logged(changed: string, env: NodeJS.ProcessEnv): Promise<void> {
  const config = { BEACONFIRE_PLUGINS_SETTINGS_CONTENT_FILTER_TEXT: 'x' }
  const { code, report, err } = await run([changed, '--chatlog', '2020-01-01..', '--user', 'juliet@test', '--json'], { ...env, ...config })
  assert.equal(code, 0, err)
  assert.equal(report.stanzas, 3)
  assert.equal(report.times.mask?.new?.calls, 3)
  const none = await run([changed, '--chatlog', '2020-01-01..', '--user', 'nurse@test'], env)
  assert.deepEqual([none.code, /no stanza to run/.test(none.err)], [2, true])
}

onMariaDb((_newStore, maria) => {
  test('the chat log of a server on MariaDB', async (t) => {
    const { server, changed, env } = await served(t, { client: 'mysql', connection: await maria().freshDatabase() })
    await logged(changed, env)
    const pattern = { method: 'POST', json: { pattern: 'capulet', action: 'mask' } }
    await server.admin('/api/v1/plugins/content-filter/rules', pattern)
    const { code, report } = await run([changed, '--chatlog', '2020-01-01..', '--json'], env)
    assert.equal(code, 1)
    assert.match(report.differences[0]?.change ?? '', /a \[-\*{7}-\]\{\+#{7}\+\}/)
  })
})
