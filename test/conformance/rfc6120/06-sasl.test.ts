/** RFC 6120 §6: authentication by SASL. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import type { TestStream } from '@beaconfire/plugin-sdk/testing'
import ping from '../../../plugins/ping/index.js'
import { openStage } from '../support/stage.js'

const stage = await openStage({ plugins: [ping] })
const guarded = await openStage({ plugins: [ping], config: { c2s: { plainWithoutTls: false } } })

const base64 = (text: string) => Buffer.from(text).toString('base64')
const auth = (mechanism: string, content = '') => `<auth xmlns="${NS.sasl}" mechanism="${mechanism}">${content}</auth>`
const plain = (username: string, password: string, authzid = '') => auth('PLAIN', base64(`${authzid}\0${username}\0${password}`))
const mechanismsOf = (features: Element) => (findChild(features, 'mechanisms', NS.sasl)?.getChildren('mechanism') ?? []).map((it) => it.getText())

async function opened(): Promise<TestStream> {
  const stream = await stage.server.connect()
  await stream.open()
  return stream
}

/** Takes the next failure. @returns its condition */
async function failureOf(stream: TestStream): Promise<string | undefined> {
  const failure = await stream.receive((el) => el.getNS() === NS.sasl, 'the answer of SASL')
  assert.equal(failure.getName(), 'failure', String(failure))
  return (failure.children[0] as Element).getName()
}

describe('the mechanisms', () => {
  test('are offered strongest first, each in an element of its own (§6.3.3, §6.4.1)', async () => {
    const offered = mechanismsOf(await (await stage.server.connect({ tls: true })).open())
    const known = offered.filter((it) => ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'].includes(it))
    assert.deepEqual(known, ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'])
  })

  test('that reveal the password are neither offered nor taken before TLS (§6.3.4, §6.5.4)', async () => {
    const { local } = await guarded.account()
    const stream = await guarded.server.connect()
    const offered = mechanismsOf(await stream.open())
    assert.deepEqual([offered.includes('PLAIN'), offered.includes('SCRAM-SHA-1')], [false, true])
    stream.write(plain(local, local))
    assert.equal(await failureOf(stream), 'encryption-required')
  })

  test('are not offered any more after login (§6.4.6)', async () => {
    const stream = await stage.authenticated()
    assert.deepEqual(mechanismsOf(stream.received.findLast((el) => el.getName() === 'features') as Element), [])
    stream.drop()
  })

  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'] as const) {
    test(`${mechanism} logs in, with a password of any letters, in the clear, by STARTTLS and by direct TLS (§6.4)`, async () => {
      const username = stage.name()
      await stage.server.accounts.create({ username, password: 'pässwörd ✓' })
      for (const options of [{}, { tls: true }, { direct: true }]) {
        const stream = await stage.server.connect(options)
        await stream.open()
        await stream.authenticate(mechanism, username, 'pässwörd ✓')
        await stream.open()
        await stream.bind()
        stream.drop()
      }
    })
  }
})

describe('an exchange', () => {
  test('may begin without an initial response: the server asks for it (§6.3.10, §6.4.2)', async () => {
    const { local } = await stage.account()
    const stream = await opened()
    stream.write(auth('PLAIN'))
    const challenge = await stream.receive('challenge')
    assert.equal(challenge.getText(), '')
    stream.write(`<response xmlns="${NS.sasl}">${base64(`\0${local}\0${local}`)}</response>`)
    await stream.receive('success')
  })

  test('is given up for another when the client begins anew (§6.4.2)', async () => {
    const { local } = await stage.account()
    const stream = await opened()
    stream.write(auth('SCRAM-SHA-1', base64(`n,,n=${local},r=fyko`)))
    await stream.receive('challenge')
    stream.write(plain(local, local))
    await stream.receive('success')
  })

  test('that is aborted fails with aborted, and another may begin (§6.4.4)', async () => {
    const { local } = await stage.account()
    const stream = await opened()
    stream.write(auth('SCRAM-SHA-1', base64(`n,,n=${local},r=fyko`)))
    await stream.receive('challenge')
    stream.write(`<abort xmlns="${NS.sasl}"/>`)
    assert.equal(await failureOf(stream), 'aborted')
    stream.write(plain(local, local))
    await stream.receive('success')
  })

  const refusals: [string, string, string][] = [
    ['a mechanism that is not offered (§6.5.7)', auth('DIGEST-MD5'), 'invalid-mechanism'],
    ['what is no base64 (§6.5.5)', auth('PLAIN', '*'), 'incorrect-encoding'],
    ['an abort of nothing (§6.4.4)', `<abort xmlns="${NS.sasl}"/>`, 'aborted'],
    ['a response to nothing (§6.5.8)', `<response xmlns="${NS.sasl}">AA==</response>`, 'malformed-request'],
    ['an empty initial response, which PLAIN cannot use (§6.4.2)', auth('PLAIN', '='), 'malformed-request'],
    ['PLAIN without its parts (§6.5.8)', auth('PLAIN', base64('no parts')), 'malformed-request'],
  ]
  for (const [what, xml, condition] of refusals) {
    test(`with ${what} fails with ${condition}, and the stream goes on`, async () => {
      const { local } = await stage.account()
      const stream = await opened()
      stream.write(xml)
      assert.equal(await failureOf(stream), condition)
      await stream.authenticate('PLAIN', local, local)
    })
  }

  test('with a wrong password, and for an unknown user, fails in the same words (§6.5.10, §13.9)', async () => {
    const { local } = await stage.account()
    const answers: string[] = []
    for (const username of [local, stage.name('nobody')]) {
      const stream = await opened()
      stream.write(plain(username, 'wrong'))
      answers.push(String(await stream.receive('failure')))
    }
    assert.equal(answers[0], answers[1])
    assert.match(String(answers[0]), /<not-authorized\/>/)
  })

  test('to act for oneself by name is taken, to act for another is not (§6.3.8)', async () => {
    const [{ local }, other] = [await stage.account(), await stage.account()]
    const stream = await opened()
    stream.write(plain(local, local, other.toString()))
    assert.equal(await failureOf(stream), 'invalid-authzid')
    stream.write(plain(local, local, `${local}@test`))
    await stream.receive('success')
  })

  test('for an account that is disabled fails (§6.5.1)', async () => {
    const { local } = await stage.account()
    await stage.server.accounts.setDisabled(local, true)
    const stream = await opened()
    stream.write(plain(local, local))
    assert.ok(['account-disabled', 'not-authorized'].includes((await failureOf(stream)) ?? ''))
  })

  test('that fails five times ends the stream with policy-violation (§6.4.5)', async () => {
    const stream = await opened()
    for (let i = 0; i < 5; i++) stream.write(plain('nobody', 'no'))
    assert.equal((await stream.closed).error, 'policy-violation')
  })

  test('cannot be begun a second time after success (§6.4.6)', async () => {
    const stream = await stage.authenticated()
    stream.write(plain('a', 'a'))
    assert.equal((await stream.closed).error, 'not-authorized')
  })

  test('of SCRAM proves the server in additional data with success (§6.4.6)', async () => {
    const { local } = await stage.account()
    const stream = await opened()
    await stream.authenticate('SCRAM-SHA-256', local, local)
    const success = stream.received.find((el) => el.getName() === 'success')
    assert.match(Buffer.from(String(success?.getText()), 'base64').toString(), /^v=/)
  })
})
