/** The test of a new plugin: one for each kind of contribution, on a whole server. */
import { fetchedBy, PAGE, pageAddress } from './console-files.js'
import { camelCase, namespaceFor, type PluginShape, pascalCase, snakeCase } from './plugin-shape.js'

export function testModule(shape: PluginShape): string {
  const { name } = shape
  const ownImports = [`import ${importedAs(name)} from './index.js'`]
  if (shape.table) ownImports.push(`import { ${pascalCase(name)}Store } from './${name}-store.js'`)
  const head = [
    `import assert from 'node:assert/strict'`,
    `import { test } from 'node:test'`,
    `import { startTestServer } from '@beaconfire/plugin-sdk/testing'`,
    ...ownImports.sort((one, other) => (fileOf(one) < fileOf(other) ? -1 : 1)),
  ]
  const tests = [
    ...(shape.interceptor ? [interceptorTest(shape)] : []),
    ...(shape.table ? [tableTest(shape)] : []),
    ...(shape.iqHandler ? [iqHandlerTest(shape)] : []),
    ...(shape.adminRoute ? [adminRouteTest(shape)] : []),
    ...(shape.consolePage ? [consolePageTest(shape)] : []),
  ]
  return `${[head, ...tests].map((lines) => lines.join('\n')).join('\n\n')}\n`
}

/** A name ending in `Plugin`, so that none is a reserved word or a name of the test itself. */
function importedAs(name: string): string {
  return `${camelCase(name)}Plugin`
}

/** The formatter sorts imports by what they import. */
function fileOf(importLine: string): string {
  return importLine.slice(importLine.indexOf(' from '))
}

/** @param label configured for the test, where there is a configuration */
function start({ name, config }: PluginShape, label?: string): string[] {
  if (!config || label === undefined) return [`  const server = await startTestServer(t, { plugins: [${importedAs(name)}] })`]
  const key = name.includes('-') ? `'${name}'` : name // quoted only where needed, as the formatter wants it
  return [
    `  const config = { plugins: { settings: { ${key}: { label: '${label}' } } } }`,
    `  const server = await startTestServer(t, { plugins: [${importedAs(name)}], config })`,
  ]
}

const SEND = [
  `  const romeo = await server.login('romeo')`,
  `  romeo.send('<message to="romeo@test" id="1" type="chat"><body>Wherefore?</body></message>')`,
  '  await romeo.sync() // a barrier: all that romeo sent before was handled',
]

function interceptorTest(shape: PluginShape): string[] {
  return [
    `test('the interceptor is called for a message', async (t) => {`,
    ...start(shape),
    ...SEND,
    `  const metrics = await (await server.admin('/metrics')).text()`,
    `  assert.match(metrics, /^beaconfire_${snakeCase(shape.name)}_messages_total\\S* 1$/m)`,
    '})',
  ]
}

function tableTest(shape: PluginShape): string[] {
  return [
    `test('a message is kept in the table', async (t) => {`,
    ...start(shape),
    ...SEND,
    `  const store = new ${pascalCase(shape.name)}Store(server.database.forPlugin('${shape.name}'))`,
    `  await store.add('juliet@test', 'written after it, since rows are written in order')`,
    '  assert.equal(await store.count(), 2)',
    '})',
  ]
}

function iqHandlerTest(shape: PluginShape): string[] {
  return [
    `test('a request is answered', async (t) => {`,
    ...start(shape, 'well met'),
    `  const romeo = await server.login('romeo')`,
    `  const answer = await romeo.request('<iq type="get" to="test"><query xmlns="${namespaceFor(shape.name)}"/></iq>')`,
    `  assert.equal(answer.getChildText('query'), '${shape.config ? 'well met' : shape.name}')`,
    '})',
  ]
}

function adminRouteTest(shape: PluginShape): string[] {
  const label = shape.config ? 'well met' : shape.name
  return [
    `test('the admin API tells the status', async (t) => {`,
    ...start(shape, 'well met'),
    `  const answer = await server.admin('/api/v1/plugins/${shape.name}/status')`,
    `  assert.deepEqual(await answer.json(), { label: '${label}'${shape.table ? ', messages: 0' : ''} })`,
    '})',
  ]
}

function consolePageTest(shape: PluginShape): string[] {
  return [
    `test('its page is in the console, and what it loads is there', async (t) => {`,
    ...start(shape),
    `  const page = '${pageAddress(shape.name)}'`,
    `  assert.match(await (await server.admin(page)).text(), /<script type="module" src="${PAGE}\\.js">/)`,
    `  for (const loaded of [\`\${page}${PAGE}.js\`, '/console/console.js', '${fetchedBy(shape)}']) {`,
    '    assert.equal((await server.admin(loaded)).status, 200, loaded)',
    '  }',
    '})',
  ]
}
