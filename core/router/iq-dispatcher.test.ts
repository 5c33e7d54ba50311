import assert from 'node:assert/strict'
import { test } from 'node:test'
import { element, iq, Jid, StanzaError } from '@beaconfire/plugin-sdk'
import { InternalSession } from '../internal-session.js'
import { silentLogger } from '../log.js'
import { IqDispatcher } from './iq-dispatcher.js'

const origin = new InternalSession(Jid.of(undefined, 'test'), silentLogger)
const question = () => iq({ type: 'get', id: 'q', from: 'romeo@test/a' }, element('query', { xmlns: 'urn:slow' }))

test('a handler that never answers is answered for, once its time is up', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const dispatcher = new IqDispatcher(silentLogger)
  dispatcher.add('slow', { namespace: 'urn:slow', handle: () => new Promise(() => {}) })
  const answer = dispatcher.dispatch(question(), origin, 'server', () => assert.fail('answered before it was done'))
  t.mock.timers.tick(30_000)
  const refusal = await answer
  assert.ok(refusal instanceof StanzaError)
  assert.equal(refusal.condition, 'internal-server-error')
})

test('before authentication too', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const dispatcher = new IqDispatcher(silentLogger)
  dispatcher.addPreAuth('slow', { namespace: 'urn:slow', handle: () => new Promise(() => {}) })
  const peer = {
    kind: 'connected',
    id: 's',
    jid: Jid.of(undefined, 'test'),
    remoteAddress: '',
    secure: true,
    streamId: 's',
    hasFailedSasl: false,
    logIn: async (): Promise<Jid> => Jid.of(undefined, 'test'),
    close() {},
  } as const
  const answer = dispatcher.dispatchPreAuth(question(), peer)
  t.mock.timers.tick(30_000)
  await assert.rejects(answer, StanzaError)
})

test('a handler that answers before it is done has answered, whatever it returns or throws afterwards', async () => {
  for (const last of [() => element('late', { xmlns: 'urn:slow' }), () => assert.fail('too late')]) {
    const dispatcher = new IqDispatcher(silentLogger)
    dispatcher.add('early', {
      namespace: 'urn:slow',
      async handle(request) {
        await request.answer(element('early', { xmlns: 'urn:slow' }))
        return last()
      },
    })
    const sent: string[] = []
    const answer = await dispatcher.dispatch(question(), origin, 'server', (result) => void sent.push(`${result.type} ${result.payload?.getName()}`))
    assert.equal(answer, undefined)
    assert.deepEqual(sent, ['result early'])
  }
})
