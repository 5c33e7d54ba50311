/** When a message is in the archive, and what its sender is told when it cannot be, over sockets and a database that is slow or fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { errorCondition, type LogEntry, recordingLogger, type TestScope } from '@beaconfire/plugin-sdk/testing'
import { plugins, romeoAndJuliet, say, search, stanzaId } from '../../test/conformance/support/archive.js'

const to = 'juliet@test/balcony'

/** Both have written once, so that what they prefer and the next numbers are known. */
async function start(t: TestScope) {
  const { log, entries } = recordingLogger()
  const all = await romeoAndJuliet(t, { plugins, log, database: 'memory' })
  const { romeo, juliet } = all
  await say(romeo, to, 'first')
  await juliet.receive('message')
  return { ...all, errors: () => entries.filter((it): it is LogEntry => it.level === 'error' && it.fields.plugin === 'mam') }
}

/** Something to wait for, and what ends it. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {}
  const passed = new Promise<void>((resolve) => (open = resolve))
  return { passed, open }
}

test('the id is there at once, and the sender is held until the row is on disk', async (t) => {
  const { server, romeo, juliet } = await start(t)
  romeo.send(`<enable xmlns="${NS.streamManagement}"/>`)
  await romeo.receive('enabled')
  const handled = async () => {
    romeo.send(`<r xmlns="${NS.streamManagement}"/>`)
    return Number((await romeo.receive('a')).attrs.h)
  }
  const { passed, open } = gate()
  const disk = server.breakDatabase({ plugin: 'mam', only: ['row'], until: passed })
  romeo.send(`<message to="${to}" type="chat"><body>second</body></message>`)
  const live = await juliet.receive('message')
  assert.equal(await handled(), 0)
  disk.mend()
  open()
  while ((await handled()) < 1);
  const { bodies, ids } = await search(juliet)
  assert.deepEqual([bodies, ids[1]], [['first', 'second'], stanzaId(live, 'juliet@test')])
})

test('a row that cannot be written fails the sender', async (t) => {
  const { server, romeo, errors } = await start(t)
  const disk = server.breakDatabase({ plugin: 'mam', only: ['row'], fail: new Error('the disk is full') })
  romeo.send(`<message to="${to}" type="chat" id="m"><body>lost</body></message>`)
  const refusal = await romeo.receive('message')
  assert.deepEqual([refusal.attrs.type, refusal.attrs.id, errorCondition(refusal)], ['error', 'm', 'internal-server-error'])
  assert.equal(errors().length, 2, 'one for each archive')
  disk.mend()
  assert.deepEqual((await search(romeo)).bodies, ['first'])
})

for (const operation of ['statement', 'number'] as const) {
  const what = operation === 'statement' ? 'preferences' : 'numbers'
  test(`${what} that cannot be read fail the sender, too, and the message has no id`, async (t) => {
    const { server, romeo, errors } = await start(t)
    const nurse = await server.login('nurse') // whose preferences nobody has asked for yet
    const fault = server.breakDatabase({ plugin: 'mam', only: [operation], fail: new Error('gone') })
    await say(romeo, nurse.jid.toString(), 'lost')
    assert.equal((await romeo.receive('message')).attrs.type, 'error')
    assert.equal(stanzaId(await nurse.receive('message'), 'nurse@test'), undefined)
    assert.ok(errors().length > 0)
    fault.mend()
    await say(romeo, nurse.jid.toString(), 'kept')
    assert.ok(stanzaId(await nurse.receive('message'), 'nurse@test'))
  })
}

test('while the disk is behind, the sender waits', async (t) => {
  const { server, romeo, juliet } = await start(t)
  const { passed, open } = gate()
  const disk = server.breakDatabase({ plugin: 'mam', only: ['row'], until: passed, saturated: true })
  romeo.send(`<message to="${to}" type="chat"><body>second</body></message>`)
  while (disk.hits === 0) await juliet.sync()
  await juliet.receiveNothing('message')
  disk.mend()
  open()
  assert.equal((await juliet.receive('message')).getChildText('body'), 'second')
})
