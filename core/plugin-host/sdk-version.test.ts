import assert from 'node:assert/strict'
import test from 'node:test'
import { dropIn, pluginSource, testHost } from './plugin-host.fixture.js'
import { checkSdkVersion, SDK_VERSION, sdkRange } from './sdk-version.js'

test('a plugin written for another SDK says so and what to do; one that fits, or says nothing, runs', async (t) => {
  const it = await testHost(t)
  const manifest = (name: string, rest: object) => JSON.stringify({ name, type: 'module', ...rest })
  const sdk = (range: string) => ({ peerDependencies: { '@beaconfire/plugin-sdk': range } })
  const add = (name: string, rest: object) => dropIn(it.folder, name, { 'package.json': manifest(name, rest), 'index.ts': pluginSource(name) })
  await add('fits', sdk(`^${SDK_VERSION}`))
  await add('linked', { dependencies: { '@beaconfire/plugin-sdk': 'file:../sdk' } })
  await add('silent', {})
  await add('newer', sdk('^99.0.0'))
  await add('no-range', { engines: { '@beaconfire/plugin-sdk': 'whatever' } })
  await it.host.start()
  assert.deepEqual(it.states(), { fits: 'running', linked: 'running', newer: 'failed', 'no-range': 'failed', silent: 'running' })
  assert.match(
    it.status('newer').error ?? '',
    /^plugin "newer": is written for @beaconfire\/plugin-sdk \^99\.0\.0, and this server has .*; install the version/,
  )
  assert.match(it.status('no-range').error ?? '', /asks for "whatever" of @beaconfire\/plugin-sdk, which is no range of versions/)
})

test('what a plugin says to its host counts before what it was built with', () => {
  const range = sdkRange({ dependencies: { '@beaconfire/plugin-sdk': '1.2.3' }, peerDependencies: { '@beaconfire/plugin-sdk': '>=1' } })
  assert.equal(range, '>=1')
  checkSdkVersion('a', range, '3.0.0')
  checkSdkVersion('a', '^2.0.0', '2.1.0-beta.1')
  assert.throws(() => checkSdkVersion('a', '^2.0.0', '3.0.0'), /plugin "a"/)
})
