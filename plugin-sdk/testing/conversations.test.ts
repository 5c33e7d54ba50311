import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, PacketRejected } from '../index.js'
import { openfireSequence } from './openfire-sequence.js'
import { recordInterceptor } from './record-interceptor.js'
import { stanzaLike } from './stanza-matchers.js'
import { startTestServer } from './test-server.js'
import { parseTranscript } from './transcript.js'

const HARK = '<message to="juliet@test/b" type="chat" id="m1"><body>Hark!</body></message>'

test('expect asserts the next stanza of its kind, and shows how it differs', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const [romeo, juliet] = [await server.login('romeo', { resource: 'a' }), await server.login('juliet', { resource: 'b' })]
  romeo.send(HARK)
  await juliet.expect('<message from="romeo@test/a" to="juliet@test/b" id="*" type="chat"><body>Hark!</body></message>')
  romeo.send(HARK)
  await assert.rejects(
    juliet.expect('<message id="m1"/>', { extras: true }).then(() => juliet.expect('<message/>')),
    /waited|did not come/,
  )
})

test('a matcher that waits in vain shows the nearest that came', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const [romeo, juliet] = [await server.login('romeo', { resource: 'a' }), await server.login('juliet', { resource: 'b' })]
  romeo.send(HARK)
  await romeo.sync()
  await juliet.sync()
  const vain = juliet.receive(stanzaLike('<message><body>Silence!</body></message>'))
  juliet.drop()
  await assert.rejects(vain, /waited|stream ended/)
  await assert.rejects(
    juliet.receive(stanzaLike('<message><body>Silence!</body></message>')),
    /nearest differs so:[\s\S]*-\s+Silence![\s\S]*\s+Hark!/,
  )
})

test('a transcript holds what each client said and heard, without the barriers of the kit', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const [romeo, juliet] = [await server.login('romeo', { resource: 'a' }), await server.login('juliet', { resource: 'b' })]
  const transcript = server.transcript({ romeo, juliet })
  romeo.send(HARK)
  await juliet.receive('message')
  juliet.send('<message id="m2" to="romeo@test/a"><body>Who is there?</body></message>')
  await romeo.receive('message')
  await Promise.all([romeo.sync(), juliet.sync()])
  const conversation = `
    # who is heard first is up to the sockets; each one's own lines are in order
    juliet S: <message from="romeo@test/a" to="*" type="chat" id="m1"><body>Hark!</body></message>
    juliet C: <message to="romeo@test/a" id="m2"><body>*</body></message>
    romeo  C: <message id="m1" to="juliet@test/b" type="chat"><body>Hark!</body></message>
    romeo  S: <message from="juliet@test/b" to="romeo@test/a" id="m2"><body>Who is there?</body></message>`
  transcript.assert(conversation)
  assert.throws(
    () => transcript.assert(conversation.replace('<body>Hark!', '<body>Silence!')),
    /juliet: line 1 is another:[\s\S]*- +Silence![\s\S]*The conversation was:/,
  )
  assert.throws(() => transcript.assert(`${conversation}\n romeo S: <presence/>`), /romeo: line 3 did not come/)
  assert.throws(() => transcript.assert(conversation.split('\n').slice(0, -1).join('\n')), /romeo: line 2 was not to come/)
  assert.throws(() => transcript.assert(conversation.replace('juliet S', 'juliet C')), /juliet: line 1 is by S, was to be by C/)
  assert.deepEqual(parseTranscript(transcript.toString()).map(String), transcript.lines.map(String))
  assert.throws(() => parseTranscript('romeo says hello'), /is no line of a transcript/)

  transcript.stop()
  romeo.send(HARK)
  await juliet.receive('message')
  assert.equal(transcript.lines.length, 4)
})

test("the chain's sequences are asserted by name", async (t) => {
  const recorder = recordInterceptor()
  const censor = definePlugin({
    name: 'censor',
    version: '1.0.0',
    setup: () => ({
      interceptors: [
        {
          name: 'refuse',
          band: 'guard',
          when: { stanza: 'message', processed: false },
          interceptPacket({ packet, incoming }) {
            if (packet.id === 'in' && incoming && packet.type !== 'error') throw new PacketRejected()
            if (packet.id === 'quiet' && incoming) throw new PacketRejected({ silent: true })
            if (packet.id === 'out' && !incoming) throw new PacketRejected()
          },
        },
      ],
    }),
  })
  // Of two in a band the first that was added is called first: the recorder sees a packet before it is refused.
  const server = await startTestServer(t, { plugins: [{ ...recorder.plugin, setup: asGuard(recorder.plugin.setup) }, censor] })
  const [romeo, juliet] = [await server.login('romeo', { resource: 'a' }), await server.login('juliet', { resource: 'b' })]
  const sequence = openfireSequence(recorder)
  const say = async (to: string, id: string) => {
    romeo.send(`<message to="${to}" id="${id}" type="chat"><body>x</body></message>`)
    await romeo.sync()
  }
  await say('juliet@test/b', 'm1')
  sequence.toOnline(romeo, juliet)
  await say('juliet@test/b', 'in')
  sequence.rejectedIncoming('romeo@test/a')
  await say('juliet@test/b', 'quiet')
  sequence.rejectedIncoming(romeo, { silent: true })
  await say('juliet@test/b', 'out')
  sequence.rejectedOutgoing(romeo, juliet)
  await server.accounts.create({ username: 'mercutio', password: 'x' })
  romeo.send('<message to="mercutio@test" type="headline"><body>x</body></message>') // nobody keeps it, nobody is told
  await romeo.sync()
  sequence.toAbsent(romeo)
  await say('juliet@test/b', 'm3')
  assert.throws(
    () => sequence.toAbsent(romeo),
    /in another order:\n {2}IN-pre romeo@test\/a\n\+ OUT-pre juliet@test\/b\n\+ OUT-post juliet@test\/b\n {2}IN-post romeo@test\/a/,
  )
})

test('what was kept for a user who was absent is asserted at the login', async (t) => {
  const recorder = recordInterceptor()
  const server = await startTestServer(t, { plugins: ['presence', 'roster', 'offline-storage', recorder.plugin] })
  const romeo = await server.login('romeo', { resource: 'a' })
  await server.accounts.create({ username: 'mercutio', password: 'mercutio' })
  const sequence = openfireSequence(recorder)
  romeo.send('<message to="mercutio@test" type="chat"><body>x</body></message>')
  await romeo.sync()
  sequence.toAbsent(romeo)
  const mercutio = await server.login('mercutio', { resource: 'c' })
  await mercutio.receive('message')
  await mercutio.sync()
  sequence.atLogin(mercutio)
  assert.throws(() => sequence.atLogin(mercutio), /in another order:\n- OUT-pre mercutio@test\/c\n- OUT-post mercutio@test\/c/)
})

type Setup = ReturnType<typeof recordInterceptor>['plugin']['setup']

/** The recorder, in the band of those who refuse. */
function asGuard(setup: Setup): Setup {
  return (context) => {
    const contributions = setup(context)
    return { ...contributions, interceptors: (contributions.interceptors ?? []).map((it) => ({ ...it, band: 'guard' as const })) }
  }
}
