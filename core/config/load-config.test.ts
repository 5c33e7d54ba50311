import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Type } from 'typebox'
import { ConfigError, checkConfig } from './check-config.js'
import { fromEnvironment, loadConfig } from './load-config.js'

function yamlFile(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'beaconfire-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'beaconfire.yaml')
  writeFileSync(file, content)
  return file
}

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load()
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems
  }
  return assert.fail('the configuration was accepted')
}

test('without a file the defaults are whole', () => {
  const config = loadConfig({ env: {} })
  assert.equal(config.domain, 'localhost')
  assert.equal(config.database.client, 'sqlite')
  assert.equal(config.c2s.port, 5222)
  assert.equal(config.c2s.tls, 'required')
  assert.equal(config.limits.stanzaBytes, 262_144)
  assert.deepEqual(config.plugins.folders, ['./plugins'])
  assert.equal(config.log.level, 'info')
})

test('key derivation pbkdf2 without the salt it needs is refused by name', (t) => {
  const env = { BEACONFIRE_CONFIG: yamlFile(t, 'openfire:\n  passwordKeyDerivation: pbkdf2\n') }
  const [problem, ...others] = problemsOf(() => loadConfig({ env }))
  assert.deepEqual(others, [])
  assert.match(problem ?? '', /^openfire\.passwordSalt: is required when openfire\.passwordKeyDerivation is pbkdf2 \(in .+beaconfire\.yaml\)$/)
  const withSalt = loadConfig({ env: { ...env, BEACONFIRE_OPENFIRE_PASSWORD_SALT: 'c2FsdHNhbHQ=' } })
  assert.equal(withSalt.openfire.passwordKeyDerivation, 'pbkdf2')
})

test('the environment wins over the file, and overrides over both', (t) => {
  const file = yamlFile(t, 'domain: file.example\nc2s:\n  port: 1\n  directTlsPort: 2\nroute:\nplugins:\n  folders: [a]\n')
  const config = loadConfig({
    env: {
      BEACONFIRE_CONFIG: file,
      BEACONFIRE_C2S_DIRECT_TLS_PORT: '-1',
      BEACONFIRE_C2S_PLAIN_WITHOUT_TLS: 'true',
      BEACONFIRE_PLUGINS_FOLDERS: 'b, c',
    },
    overrides: { domain: 'override.example', c2s: { port: 0 }, plugins: { settings: { chatlog: { retentionDays: 3 } } } },
  })
  assert.equal(config.domain, 'override.example')
  assert.equal(config.c2s.port, 0)
  assert.equal(config.c2s.directTlsPort, -1)
  assert.equal(config.c2s.plainWithoutTls, true)
  assert.equal(config.route.allResources, true)
  assert.deepEqual(config.plugins.folders, ['b', 'c'])
  assert.deepEqual(config.plugins.settings, { chatlog: { retentionDays: 3 } })
})

test('every problem is named with its path, what is expected, and where it was written', (t) => {
  const file = yamlFile(t, 'c2s:\n  port: 70000\n  tls: requird\n  prot: 1\nlimits: { stanzaBytes: 9999 }\nzzz: 1\n')
  const problems = problemsOf(() =>
    loadConfig({ env: { BEACONFIRE_CONFIG: file, BEACONFIRE_ADMIN_PORT: '', BEACONFIRE_C2S_PLAIN_WITHOUT_TLS: 'yes' } }),
  )
  assert.deepEqual([...problems].sort(), [
    'admin.port: must be integer (in the environment)',
    'c2s.plainWithoutTls: must be boolean (in the environment)',
    `c2s.port: must be <= 65535 (in ${file})`,
    `c2s.prot: is no known key (in ${file})`,
    `c2s.tls: must be one of required, optional, disabled (in ${file})`,
    `limits.stanzaBytes: must be >= 10000 (in ${file})`,
    `zzz: is no known key (in ${file})`,
  ])
})

test('a file that is missing or no YAML is a named error', (t) => {
  assert.match(
    problemsOf(() => loadConfig({ env: { BEACONFIRE_CONFIG: '/nowhere/at-all.yaml' } }))[0] ?? '',
    /^\/nowhere\/at-all\.yaml: cannot be read: ENOENT/,
  )
  const broken = yamlFile(t, 'c2s: [\n')
  assert.match(problemsOf(() => loadConfig({ env: { BEACONFIRE_CONFIG: broken } }))[0] ?? '', /is no YAML/)
  const text = yamlFile(t, 'just a text')
  assert.match(problemsOf(() => loadConfig({ env: { BEACONFIRE_CONFIG: text } }))[0] ?? '', /must hold keys and values/)
})

test("a plugin's settings are checked under their own path, from YAML and environment alike", () => {
  const schema = Type.Object({
    maxRows: Type.Integer({ default: 10, minimum: 1 }),
    mode: Type.Union([Type.Literal('a'), Type.Literal('b')], { default: 'a' }),
  })
  assert.deepEqual(checkConfig(schema, undefined, 'plugins.settings.demo'), { maxRows: 10, mode: 'a' })
  const environment = fromEnvironment(schema, 'BEACONFIRE_PLUGINS_SETTINGS_DEMO', { BEACONFIRE_PLUGINS_SETTINGS_DEMO_MAX_ROWS: '7' })
  assert.deepEqual(checkConfig(schema, environment), { maxRows: 7, mode: 'a' })
  assert.deepEqual(
    problemsOf(() => checkConfig(schema, { maxRows: 0, mode: 'c' }, 'plugins.settings.demo')),
    ['plugins.settings.demo.maxRows: must be >= 1', 'plugins.settings.demo.mode: must be one of a, b'],
  )
  assert.deepEqual(
    problemsOf(() => checkConfig(Type.Object({ key: Type.String() }), {}, 'plugins.settings.demo')),
    ['plugins.settings.demo.key: is required'],
  )
})

test('settings are copied, so a plugin cannot change the configuration', () => {
  const given = { list: ['a'] }
  const checked = checkConfig(Type.Object({ list: Type.Array(Type.String()) }), given)
  checked.list.push('b')
  assert.deepEqual(given.list, ['a'])
})
