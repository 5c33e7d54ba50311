import assert from 'node:assert/strict'
import test from 'node:test'
import { type InterceptorFilter, iq, message, type PacketInterceptor, presence, type Stanza } from '@beaconfire/plugin-sdk'
import { recordingLogger } from '@beaconfire/plugin-sdk/testing'
import { CompiledChains } from './compiled-chain.js'
import { FlightRecorder } from './flight-recorder.js'
import { GuardedInterceptor } from './guarded-interceptor.js'
import { chainWith, romeo, sessionOf } from './interceptor-chain.fixture.js'
import { RecordedCrossing } from './recorded-crossing.js'

const interceptor = (name: string, when?: InterceptorFilter, more: Partial<PacketInterceptor> = {}): PacketInterceptor => ({
  name,
  band: 'observe',
  ...(when && { when }),
  interceptPacket() {},
  ...more,
})

const chat = message({ to: 'juliet@test', type: 'chat' })
const headline = message({ to: 'juliet@test', type: 'headline' })
const available = presence({ from: 'romeo@test/orchard' })
const get = iq({ type: 'get', id: 'i1' })

test('the chain of each kind, type and stage holds those that want it and nobody else', () => {
  const chains = new CompiledChains(
    [
      interceptor('all'),
      interceptor('messages', { stanza: 'message' }),
      interceptor('chats in', { stanza: 'message', type: 'chat', incoming: true }),
      interceptor('before', { stanza: ['message', 'iq'], processed: false }),
      interceptor('gets', { type: ['get', 'set'] }),
      interceptor("juliet's", { stanza: 'presence' }, { user: 'juliet' }),
    ].map((it) => new GuardedInterceptor('plugin', it, recordingLogger().log)),
  )
  const called = (packet: Stanza, session = romeo) => {
    const { incoming, outgoing } = chains.of(session)
    const ways = [incoming[packet.kind].of(packet), outgoing[packet.kind].of(packet)]
    return ways.flatMap((way) => [way.before, way.after]).map((list) => list.interceptors.map((it) => it.interceptor.name).join())
  }
  const [all, messages] = ['all', 'all,messages']
  assert.deepEqual(called(chat), [`${messages},chats in,before`, `${messages},chats in`, `${messages},before`, messages])
  assert.deepEqual(called(headline), [`${messages},before`, messages, `${messages},before`, messages])
  assert.deepEqual(called(get), [`${all},before,gets`, `${all},gets`, `${all},before,gets`, `${all},gets`])
  assert.deepEqual(called(available), [all, all, all, all])
  assert.deepEqual(called(available, sessionOf('juliet@test/balcony')), Array(4).fill("all,juliet's"))
})

test('for a stanza that nobody wants nothing is made, timed or looked at', (t) => {
  const { acted, chain, run } = chainWith(
    interceptor('presence alone', { stanza: 'presence' }),
    interceptor('chats alone', { stanza: 'message', type: 'chat' }),
  )
  const now = t.mock.method(performance, 'now')
  assert.equal(run(headline), true)
  assert.equal(run(headline, false), true)
  assert.equal(acted.length, 2)
  assert.equal(now.mock.callCount(), 0)
  assert.deepEqual(
    chain.statuses().map((it) => it.calls),
    [0, 0],
  )
})

test('no code of the recorder is entered while it is off, before it was ever armed and afterwards', (t) => {
  const { chain, run } = chainWith(interceptor('all'))
  const recorder = new FlightRecorder((watch) => chain.watch(watch))
  t.after(() => recorder.close())
  const steps = ['begun', 'ended', 'acting', 'acted', 'finished'] as const
  const entered = [t.mock.method(recorder, 'crossing'), ...steps.map((it) => t.mock.method(RecordedCrossing.prototype, it))]
  const calls = () => entered.map((it) => it.mock.callCount())
  const pass = () => {
    const packet = message({ to: 'juliet@test', type: 'chat' })
    assert.equal(run(packet), true)
    return Object.getOwnPropertySymbols(packet).length
  }
  const notes = pass()
  assert.deepEqual(calls(), [0, 0, 0, 0, 0, 0])

  recorder.arm({ rate: 1, bodies: false, seconds: 60, maxFlights: 10, maxBytes: 100_000 })
  assert.equal(pass(), notes + 1)
  assert.deepEqual(calls(), [1, 2, 2, 1, 1, 1])

  recorder.disarm()
  assert.equal(pass(), notes)
  assert.deepEqual(calls(), [1, 2, 2, 1, 1, 1])
})
