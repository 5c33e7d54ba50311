import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFile } from './check-boundaries.js'

const none = new Set<string>()
const messages = (file: string, source: string, declared = none) => checkFile(file, source, declared).map((it) => it.message)

test('a plugin may import the SDK, its own files, node and its declared packages', () => {
  const source = `import { a } from '@beaconfire/plugin-sdk'\nimport { b } from './b.js'\nimport fs from 'node:fs'\nimport sharp from 'sharp'\n`
  assert.deepEqual(messages('plugins/roster/index.ts', source, new Set(['sharp'])), [])
})

test('a plugin may import neither core, nor another plugin, nor a package it does not declare', () => {
  const source = [
    `import { Router } from '../../core/router/packet-router.js'`,
    `import { RosterStore } from '../roster/roster-store.js'`,
    `import type { ServerConfig } from '@beaconfire/core/server'`,
    `import roster from '@beaconfire/plugin-roster'`,
    `import {\n  a,\n  b,\n} from 'left-pad'`,
    `const late = await import('../roster/index.js')`,
  ].join('\n')
  const found = checkFile('plugins/presence/index.ts', source, none)
  assert.deepEqual(
    found.map((it) => it.line),
    [1, 2, 3, 4, 8, 9],
  )
  assert.match(found[1]?.message ?? '', /plugins\/presence\/index\.ts → plugins\/roster\/roster-store\.ts: plugins meet through services/)
})

test('an example of the SDK is a plugin: it imports the SDK by name, and no other example', () => {
  const file = 'plugin-sdk/examples/content-filter/index.ts'
  assert.deepEqual(messages(file, `import { a } from '@beaconfire/plugin-sdk'\nimport { b } from './b.js'`), [])
  assert.equal(messages(file, `import { a } from '../../jid.js'\nimport { b } from '../other/b.js'`).length, 2)
})

test('core may import no plugin and no file of the SDK by path', () => {
  assert.equal(messages('core/server.ts', `import roster from '../plugins/roster/index.js'`).length, 1)
  assert.equal(messages('core/server.ts', `import { Jid } from '../plugin-sdk/jid.js'`).length, 1)
})

test('a folder of core imports only those above it', () => {
  assert.deepEqual(messages('core/router/packet-router.ts', `import { deliver } from '../delivery/deliver.js'`), [])
  assert.deepEqual(messages('core/net/tcp-listener.ts', `import { log } from '../log.js'`), [])
  assert.match(
    messages('core/session/client-session.ts', `import { route } from '../router/packet-router.js'`)[0] ?? '',
    /core\/session → core\/router/,
  )
  assert.deepEqual(messages('core/server.ts', `import { join } from './join.js'\nimport { listen } from './net/tcp-listener.js'`), [])
  assert.equal(messages('core/plugin-host/plugin-host.ts', `import { startServer } from '../server.js'`).length, 1)
  assert.match(messages('core/extras/a.ts', `import { x } from '../net/x.js'`)[0] ?? '', /extras has no place/)
})

test('contract files higher up may be imported, what implements them may not', () => {
  assert.deepEqual(messages('core/admin/server.ts', `import type { PluginControl } from '../plugin-host/registries.js'`), [])
  assert.equal(messages('core/admin/server.ts', `import { PluginHost } from '../plugin-host/plugin-host.js'`).length, 1)
  assert.equal(messages('core/auth/plain.ts', `import { StreamError } from '../stream/stream-error.js'`).length, 1)
  assert.deepEqual(messages('core/xml/parser.ts', `import { StreamError } from '../stream/stream-error.js'`), [])
})

test('the SDK imports neither core nor plugins; its test kit loads core dynamically', () => {
  assert.equal(messages('plugin-sdk/jid.ts', `import { x } from '@beaconfire/core/server'`).length, 1)
  assert.equal(messages('plugin-sdk/jid.ts', `import { x } from './testing/index.js'`).length, 1)
  assert.equal(messages('plugin-sdk/testing/test-server.ts', `import { x } from '@beaconfire/core/server'`).length, 1)
  assert.deepEqual(messages('plugin-sdk/testing/test-server.ts', `const core = await import('@beaconfire/core/server')`), [])
  assert.deepEqual(messages('plugin-sdk/testing/test-server.ts', `type Core = typeof import('@beaconfire/core/server')`), [])
})

test('tests may import everything', () => {
  assert.deepEqual(messages('plugins/presence/presence.test.ts', `import roster from '../roster/index.js'`), [])
})

test('what several tests share may import the test kit, and else what the code beside it may', () => {
  assert.deepEqual(messages('core/pipeline/chain.fixture.ts', `import { x } from '@beaconfire/plugin-sdk/testing'`), [])
  assert.equal(messages('core/pipeline/chain.ts', `import { x } from '@beaconfire/plugin-sdk/testing'`).length, 1)
  assert.equal(messages('core/pipeline/chain.fixture.ts', `import { x } from '../router/x.js'`).length, 1)
})

test('an import in a comment or a string is no import', () => {
  const source = ` * import { a } from '../roster/index.js'\n// await import('../roster/index.js')\nconst text = "see import x from 'y'"\n`
  assert.deepEqual(messages('plugins/presence/index.ts', source), [])
})
