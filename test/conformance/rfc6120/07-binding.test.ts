/** RFC 6120 §7: resource binding. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Element, findChild, NS, parseElement } from '@beaconfire/plugin-sdk'
import { errorCondition, type TestStream } from '@beaconfire/plugin-sdk/testing'
import ping from '../../../plugins/ping/index.js'
import { openStage, type Stage } from '../support/stage.js'

const stage = await openStage({ plugins: [ping] })
const bind = (stream: TestStream, content = '', type = 'set') =>
  stream.request(parseElement(`<iq type="${type}"><bind xmlns="${NS.bind}">${content}</bind></iq>`))

describe('binding', () => {
  test('is offered after login and not before (§7.4)', async () => {
    const before = await (await stage.server.connect()).open()
    assert.equal(findChild(before, 'bind', NS.bind), undefined)
    const stream = await stage.authenticated()
    assert.ok(findChild(stream.received.findLast((el) => el.getName() === 'features') as Element, 'bind', NS.bind))
  })

  test('without a wish brings a full JID with a random resource, a new one each time (§7.6)', async () => {
    const streams = [await stage.authenticated(), await stage.authenticated()]
    const resources = await Promise.all(streams.map(async (it) => (await it.bind()).resource))
    assert.equal(new Set(resources).size, 2)
    for (const resource of resources) assert.ok(resource.length >= 16)
  })

  test('with an empty wish is one without a wish', async () => {
    const answer = await bind(await stage.authenticated(), '<resource/>')
    assert.match(answer.getChild('bind')?.getChildText('jid') ?? '', /^user\d+@test\/.{16,}$/)
  })

  test('with a wish brings just that resource, prepared as RFC 7622 wants (§7.7, §4.3.6)', async () => {
    const stream = await stage.authenticated()
    const jid = await stream.bind('Balkon\u00A0 e\u0301 ♚')
    assert.equal(jid.resource, 'Balkon  é ♚')
  })

  for (const [what, resource] of [
    ['a control character', '&#x7F;'],
    ['more than 1023 bytes', 'é'.repeat(512)],
  ] as const) {
    test(`with a resource of ${what} is a bad request, and may be tried again (§7.7.2.1)`, async () => {
      const stream = await stage.authenticated()
      assert.equal(errorCondition(await bind(stream, `<resource>${resource}</resource>`)), 'bad-request')
      await stream.bind('good')
    })
  }

  test('of a resource of 1023 bytes is possible', async () => {
    const stream = await stage.authenticated()
    assert.equal((await stream.bind('x'.repeat(1023))).resource.length, 1023)
  })

  test('by get is a bad request', async () => {
    assert.equal(errorCondition(await bind(await stage.authenticated(), '', 'get')), 'bad-request')
  })

  test('that fails ten times ends the stream with policy-violation (§7.7.3)', async () => {
    const stream = await stage.authenticated()
    for (let i = 0; i < 10; i++) stream.write(`<iq type="set" id="${i}"><bind xmlns="${NS.bind}"><resource>&#x7F;</resource></bind></iq>`)
    assert.equal((await stream.closed).error, 'policy-violation')
  })

  test('a second time on the same stream is not allowed, and the session goes on (§7.1)', async () => {
    const client = await stage.login({ available: false })
    assert.equal(errorCondition(await bind(client.stream, '<resource>other</resource>')), 'not-allowed')
    await client.sync()
  })

  test('of many resources by one account is possible up to a limit, then resource-constraint (§7.5, §7.6.2.1)', async () => {
    const account = await stage.account()
    const fill = async () => {
      for (let i = 0; i < 101; i++) {
        const stream = await stage.server.connect()
        await stream.open()
        await stream.authenticate('PLAIN', account.local, account.local)
        await stream.open()
        const answer = await bind(stream)
        if (answer.attrs.type === 'error') return errorCondition(answer)
      }
      return undefined
    }
    assert.equal(await fill(), 'resource-constraint')
    for (const session of stage.server.sessions.ofUser(account)) session.close()
  })

  test('is followed by no restart; the old session request is answered all the same (§7.3.2, RFC 3921 §3)', async () => {
    const client = await stage.login({ available: false })
    assert.equal((await client.request(`<iq type="set"><session xmlns="${NS.session}"/></iq>`)).attrs.type, 'result')
  })
})

describe('a resource that is taken (§7.7.2.2)', () => {
  const again = async (chosen: Stage) => {
    const first = await chosen.login({ resource: 'orchard', available: false })
    const stream = await chosen.server.connect()
    await stream.open()
    await stream.authenticate('PLAIN', first.jid.local, first.jid.local)
    await stream.open()
    return { first, answer: await bind(stream, '<resource>orchard</resource>') }
  }
  const resourceOf = (answer: Element) => answer.getChild('bind')?.getChildText('jid')?.split('/')[1]
  const withPolicy = (resourceConflict: 'reject-new' | 'rename') => openStage({ plugins: [ping], config: { c2s: { resourceConflict } } })

  test('is taken from the session that has it, which ends with conflict, by default', async () => {
    const { first, answer } = await again(stage)
    assert.equal(resourceOf(answer), 'orchard')
    assert.equal((await first.closed).error, 'conflict')
  })

  test('is refused with conflict under reject-new', async () => {
    const { first, answer } = await again(await withPolicy('reject-new'))
    assert.equal(errorCondition(answer), 'conflict')
    await first.sync()
  })

  test('is given another name under rename', async () => {
    const { first, answer } = await again(await withPolicy('rename'))
    assert.match(resourceOf(answer) ?? '', /^orchard-.+/)
    await first.sync()
  })
})
