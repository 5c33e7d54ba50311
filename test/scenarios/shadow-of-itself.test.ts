/** Every plugin that comes with the server has a shadow of its own code, all at once: none sees anything else than what serves, and none acts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startTestServer, type TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'

const PLUGINS = fileURLToPath(new URL('../../plugins/', import.meta.url))

/** What users do all day. */
async function traffic(romeo: TestClient, juliet: TestClient): Promise<string[]> {
  const answers: string[] = []
  const ask = async (client: TestClient, type: 'get' | 'set', payload: string, to?: string) => {
    const answer = await client.request(`<iq type="${type}" id="${answers.length}"${to ? ` to="${to}"` : ''}>${payload}</iq>`)
    answers.push(`${answer.attrs.type} ${answer.getChildElements().map((it) => it.getName())}`)
  }
  await ask(romeo, 'set', '<query xmlns="jabber:iq:roster"><item jid="juliet@test" name="Juliet"/></query>')
  romeo.send('<presence to="juliet@test" type="subscribe"/>')
  await juliet.receive('presence')
  juliet.send('<presence to="romeo@test" type="subscribed"/>')
  await juliet.sync()
  romeo.send(
    '<presence><show>away</show><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:x" ver="QgayPKawpkPSDYmwT/WM94uAlu0="/></presence>',
  )
  await ask(romeo, 'set', '<vCard xmlns="vcard-temp"><FN>Romeo</FN></vCard>')
  await ask(juliet, 'get', '<vCard xmlns="vcard-temp"/>', 'romeo@test')
  await ask(romeo, 'set', '<query xmlns="jabber:iq:private"><mine xmlns="urn:example:mine"/></query>')
  await ask(romeo, 'get', '<query xmlns="jabber:iq:last"/>', 'juliet@test')
  await ask(romeo, 'get', '<query xmlns="http://jabber.org/protocol/disco#info"/>', 'test')
  await ask(romeo, 'set', '<enable xmlns="urn:xmpp:carbons:2"/>')
  for (const [at, to] of ['juliet@test', String(juliet.jid), 'tybalt@test', 'nobody@test'].entries()) {
    romeo.send(`<message to="${to}" type="chat" id="m${at}"><body>Wherefore ${at}?</body></message>`)
    romeo.send(`<message to="${to}" id="n${at}"><body>Art thou?</body><stanza-id xmlns="urn:xmpp:sid:0" id="forged" by="test"/></message>`)
  }
  await romeo.sync()
  await juliet.sync()
  return answers
}

/** All that came, but for what is made up anew in each run; what several have caused at the same time has no order. */
function plain(client: TestClient): string[] {
  const made = [/[0-9a-f]{8}-[0-9a-f-]{27}(?:-\d+)?/g, / stamp="[^"]*"/g, /(?<=<stanza-id[^>]*) id="[^"]*"/g, / seconds="\d+"/g, /(?<= )ver="[^"]*"/g]
  return client.received.map((it) => made.reduce((text, pattern) => text.replace(pattern, ''), it.toString())).sort()
}

async function rowsOf(server: TestServer): Promise<Record<string, number>> {
  const { knex } = server.database.forPlugin('test')
  const rows: Record<string, number> = {}
  for (const { name } of (await knex('sqlite_master').where({ type: 'table' }).select('name')) as { name: string }[]) {
    rows[name] = Number(((await knex(name).count({ count: '*' })) as { count: number }[])[0]?.count)
  }
  return rows
}

async function callsOf(server: TestServer, plugin: string): Promise<number> {
  const { items } = (await (await server.admin(`/api/v1/interceptors?plugin=${plugin}`)).json()) as { items: readonly { calls: number }[] }
  return items.reduce((sum, { calls }) => sum + calls, 0)
}

/** A day on a server of its own. @param before called when its users are there and have done nothing yet */
async function dayOf(t: TestScope, before: (server: TestServer) => Promise<void>) {
  const server = await startTestServer(t)
  await server.accounts.create({ username: 'tybalt', password: 'secret' })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  await romeo.request('<iq type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="tybalt@test"/></block></iq>')
  await before(server)
  const answers = await traffic(romeo, juliet)
  return { server, seen: { answers, romeo: plain(romeo), juliet: plain(juliet), rows: await rowsOf(server) } }
}

test('a plugin beside itself makes no difference, in what it decides and in what the server does', { timeout: 120_000 }, async (t) => {
  const alone = await dayOf(t, async () => undefined)
  const names = alone.server.plugins.list().map((it) => it.name)
  assert.ok(names.length > 20)
  const callsBefore = new Map<string, number>()
  const { server, seen } = await dayOf(t, async (it) => {
    for (const name of names) {
      const shadow = await it.plugins.startShadow(name, { folder: `${PLUGINS}${name}` }, { bodies: true })
      assert.deepEqual([name, shadow.notes], [name, []])
      callsBefore.set(name, await callsOf(it, name))
    }
  })
  assert.deepEqual(seen, alone.seen)

  for (const name of names) {
    const calls = (await callsOf(server, name)) - (callsBefore.get(name) ?? 0)
    const status = () => server.plugins.shadowStatus(name) ?? assert.fail(name)
    while (status().counts.compared < calls) await new Promise(setImmediate)
    const { counts } = status()
    assert.deepEqual([name, counts.differentVerdicts, counts.failures, counts.dropped], [name, 0, 0, 0])
    // Ids are made up by each for itself.
    if (name !== 'stanza-ids') assert.deepEqual([name, counts.differentRewrites], [name, 0])
    assert.equal(await server.plugins.endShadow(name), true)
  }
})
