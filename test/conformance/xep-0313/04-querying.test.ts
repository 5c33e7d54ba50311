import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, type TestClient } from '@beaconfire/plugin-sdk/testing'
import { ask, plugins, queryElement, romeoAndJuliet, say, search } from '../support/archive.js'

const LETTERS = ['a', 'b', 'c', 'd', 'e']

async function withLetters(t: Parameters<typeof romeoAndJuliet>[0]): Promise<TestClient> {
  const { romeo } = await romeoAndJuliet(t)
  await say(romeo, 'juliet@test', ...LETTERS)
  return romeo
}

const refused = async (client: TestClient, query: ReturnType<typeof queryElement>, to?: string) => errorCondition(await ask(client, query, to))

test('an empty archive is a complete result without items (XEP-0313 §4.1)', async (t) => {
  const { romeo } = await romeoAndJuliet(t)
  const page = await search(romeo)
  assert.deepEqual([page.bodies, page.isComplete, page.first, page.last, page.count], [[], true, undefined, undefined, 0])
})

test('pages forward: first, last, count and index; the last one is complete (§4.3.2)', async (t) => {
  const romeo = await withLetters(t)
  const first = await search(romeo, { max: 2 })
  assert.deepEqual([first.bodies, first.isComplete, first.count, first.first?.attrs.index], [['a', 'b'], false, 5, '0'])
  assert.deepEqual([first.first?.getText(), first.last], [first.ids[0], first.ids[1]])
  const second = await search(romeo, { max: 2, after: first.last ?? '' })
  assert.deepEqual([second.bodies, second.isComplete, second.first?.attrs.index], [['c', 'd'], false, undefined])
  const third = await search(romeo, { max: 2, after: second.last ?? '' })
  assert.deepEqual([third.bodies, third.isComplete], [['e'], true])
  const beyond = await search(romeo, { max: 2, after: third.last ?? '' })
  assert.deepEqual([beyond.bodies, beyond.isComplete, beyond.first], [[], true, undefined])
})

test('a page that holds exactly what is left is complete', async (t) => {
  const page = await search(await withLetters(t), { max: 5 })
  assert.deepEqual([page.bodies, page.isComplete], [LETTERS, true])
})

test('pages backward from the end, each oldest first (§4.3.3)', async (t) => {
  const romeo = await withLetters(t)
  const last = await search(romeo, { max: 2, before: '' })
  assert.deepEqual([last.bodies, last.isComplete], [['d', 'e'], false])
  const middle = await search(romeo, { max: 2, before: last.first?.getText() ?? '' })
  assert.deepEqual([middle.bodies, middle.isComplete], [['b', 'c'], false])
  const first = await search(romeo, { max: 2, before: middle.first?.getText() ?? '' })
  assert.deepEqual([first.bodies, first.isComplete, first.first?.attrs.index], [['a'], true, '0'])
})

test('a flipped page is sent newest first; what is on it, first and last stay the same (§4.3.4)', async (t) => {
  const romeo = await withLetters(t)
  const { archived } = await search(romeo)
  const flipped = await search(romeo, { max: 2, after: archived[0]?.id ?? '', flip: true })
  assert.deepEqual(flipped.bodies, ['c', 'b'])
  assert.deepEqual([flipped.first?.getText(), flipped.last], [archived[1]?.id, archived[2]?.id])
})

test('a page of size 0 tells the number alone (XEP-0059 §2.7)', async (t) => {
  const page = await search(await withLetters(t), { max: 0, fields: { with: 'juliet@test' } })
  assert.deepEqual([page.bodies, page.count, page.first, page.isComplete], [[], 5, undefined, false])
})

test('before-id and after-id bound the result, and paging goes on inside (§4.1.3)', async (t) => {
  const romeo = await withLetters(t)
  const { ids } = await search(romeo)
  const fields = { 'after-id': ids[0] ?? '', 'before-id': ids[4] ?? '' }
  const all = await search(romeo, { fields })
  assert.deepEqual([all.bodies, all.isComplete, all.count], [['b', 'c', 'd'], true, 3])
  const page = await search(romeo, { fields, max: 1, after: ids[1] ?? '' })
  assert.deepEqual([page.bodies, page.isComplete, page.count], [['c'], false, 3])
  assert.deepEqual((await search(romeo, { fields, max: 1, before: '' })).bodies, ['d'])
  assert.deepEqual((await search(romeo, { fields, after: ids[4] ?? '' })).bodies, [])
})

test('messages can be fetched by id, in order of time whatever the order of the ids (§4.1.3)', async (t) => {
  const romeo = await withLetters(t)
  const { ids } = await search(romeo)
  const page = await search(romeo, { fields: { ids: [ids[3] ?? '', ids[1] ?? '', ids[1] ?? ''] } })
  assert.deepEqual([page.bodies, page.isComplete, page.count], [['b', 'd'], true, 2])
})

test('start and end are inclusive, with any offset (§4.1.2)', async (t) => {
  const { server, romeo } = await romeoAndJuliet(t)
  const table = () => server.database.forPlugin('mam').knex('ofMamArchive')
  await say(romeo, 'juliet@test', ...LETTERS)
  const rows = (await table().where({ username: 'romeo' }).orderBy('archiveID')) as { archiveID: number }[]
  for (const [hour, { archiveID }] of rows.entries())
    await table()
      .where({ archiveID })
      .update({ sentDate: Date.UTC(2020, 1, 1, hour) })
  const between = async (start: string, end: string) => (await search(romeo, { fields: { start, end } })).bodies
  assert.deepEqual(await between('2020-02-01T01:00:00Z', '2020-02-01T03:00:00Z'), ['b', 'c', 'd'])
  assert.deepEqual(await between('2020-02-01T01:00:00.0000001Z', '2020-02-01T02:59:59.999Z'), ['b', 'c'])
  assert.deepEqual(await between('2020-02-01T03:00:00+02:00', '2020-02-01T05:00:00+02:00'), ['b', 'c', 'd'])
  assert.deepEqual((await search(romeo, { fields: { end: '2020-02-01T00:00:00Z' } })).bodies, ['a'])
  assert.equal((await search(romeo)).archived[0]?.stamp, '2020-02-01T00:00:00.000Z')
})

test('with a bare address matches all of its resources, a full one itself (§4.1.1)', async (t) => {
  const { server, romeo, juliet } = await romeoAndJuliet(t)
  const chamber = await server.login('juliet', { resource: 'chamber' })
  await say(romeo, 'juliet@test/balcony', 'to balcony')
  await say(chamber, 'romeo@test', 'from chamber')
  await say(romeo, 'juliet@test', 'to all')
  await say(romeo, 'nurse@elsewhere', 'to nurse')
  const found = async (jid: string) => (await search(romeo, { fields: { with: jid } })).bodies
  assert.deepEqual(await found('JULIET@test'), ['to balcony', 'from chamber', 'to all'])
  assert.deepEqual(await found(juliet.jid.toString()), ['to balcony'])
  assert.deepEqual(await found('juliet@test/chamber'), ['from chamber'])
  assert.deepEqual(await found('nurse@elsewhere'), ['to nurse'])
  assert.deepEqual(await found('nobody@test'), [])
})

test('the form says which fields there are; ids are open to any value (§4.1.5)', async (t) => {
  const { romeo } = await romeoAndJuliet(t)
  const answer = await romeo.request('<iq type="get"><query xmlns="urn:xmpp:mam:2"/></iq>')
  const form = findChild(answer, 'query', NS.mam)?.getChild('x', NS.dataForm)
  assert.equal(form?.attrs.type, 'form')
  const fields = new Map((form ? childElements(form) : []).map((it) => [it.attrs.var, it]))
  assert.deepEqual([...fields.keys()], ['FORM_TYPE', 'with', 'start', 'end', 'before-id', 'after-id', 'ids', 'include-groupchat'])
  assert.deepEqual(
    [fields.get('with')?.attrs.type, fields.get('start')?.attrs.type, fields.get('ids')?.attrs.type],
    ['jid-single', 'text-single', 'list-multi'],
  )
  assert.ok(fields.get('ids')?.getChild('validate', 'http://jabber.org/protocol/xdata-validate')?.getChild('open'))
  assert.ok([...fields.values()].every((it) => !it.getChild('required')))
})

test('metadata tells the first and the last message; of an empty archive nothing (§5)', async (t) => {
  const { romeo } = await romeoAndJuliet(t)
  const metadata = async () => findChild(await romeo.request('<iq type="get"><metadata xmlns="urn:xmpp:mam:2"/></iq>'), 'metadata', NS.mam)
  assert.deepEqual((await metadata())?.children, [])
  await say(romeo, 'juliet@test', ...LETTERS)
  const { archived } = await search(romeo)
  const told = await metadata()
  assert.deepEqual({ ...told?.getChild('start')?.attrs }, { id: archived[0]?.id, timestamp: archived[0]?.stamp })
  assert.deepEqual({ ...told?.getChild('end')?.attrs }, { id: archived[4]?.id, timestamp: archived[4]?.stamp })
})

test('ids that are not in the archive are not found, wherever they are asked for (§4.1.3, §4.3.2)', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  await say(romeo, 'juliet@test', 'a')
  const hers = (await search(juliet)).ids[0] ?? ''
  const his = (await search(romeo)).ids[0] ?? ''
  for (const id of [hers, 'unknown', `${his}=`]) {
    assert.equal(await refused(romeo, queryElement({ after: id })), 'item-not-found')
    assert.equal(await refused(romeo, queryElement({ before: id })), 'item-not-found')
    for (const name of ['before-id', 'after-id']) assert.equal(await refused(romeo, queryElement({ fields: { [name]: id } })), 'item-not-found')
    assert.equal(await refused(romeo, queryElement({ fields: { ids: [his, id] } })), 'item-not-found')
  }
})

test('a server sends no more than its largest page', async (t) => {
  const config = { plugins: { settings: { mam: { pageSize: 2, largestPage: 3 } } } }
  const { romeo } = await romeoAndJuliet(t, { plugins, config })
  await say(romeo, 'juliet@test', ...LETTERS)
  assert.deepEqual((await search(romeo)).bodies, ['a', 'b'])
  const page = await search(romeo, { max: 1000 })
  assert.deepEqual([page.bodies, page.isComplete], [['a', 'b', 'c'], false])
})

test('nobody reads the archive of another, and the refusal does not tell whether there is one (§8.1)', async (t) => {
  const { romeo } = await romeoAndJuliet(t)
  for (const to of ['juliet@test', 'nobody@test']) {
    assert.equal(await refused(romeo, queryElement({}), to), 'forbidden')
    for (const name of ['query', 'prefs', 'metadata']) {
      assert.equal(errorCondition(await romeo.request(element('iq', { type: 'get', to }, element(name, { xmlns: NS.mam })))), 'forbidden')
    }
  }
  assert.equal(await refused(romeo, queryElement({}), 'test'), 'service-unavailable')
})

test('an answer comes from whom was asked', async (t) => {
  const { romeo } = await romeoAndJuliet(t)
  await say(romeo, 'juliet@test', 'a')
  for (const to of [undefined, 'romeo@test']) {
    const fin = await ask(romeo, queryElement({}, 'q'), to)
    const result = await romeo.receive('message')
    assert.deepEqual([fin.attrs.from, result.attrs.from], [to, to])
    assert.equal(result.attrs.to, romeo.jid.toString())
  }
})

test('the account tells its owner, and nobody else, of the archive (§7)', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  const features = async (client: TestClient) => {
    const answer = await client.request('<iq type="get" to="romeo@test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
    return childElements(answer.getChild('query') ?? answer).flatMap((it) => it.attrs.var ?? [])
  }
  const told = await features(romeo)
  for (const feature of ['urn:xmpp:mam:2', 'urn:xmpp:mam:2#extended', 'urn:xmpp:mam:2#groupchat-field', 'urn:xmpp:sid:0'])
    assert.ok(told.includes(feature), feature)
  assert.ok(!told.includes('urn:xmpp:mam:2#groupchat-available'))
  assert.ok(!(await features(juliet)).includes('urn:xmpp:mam:2'))
})

const FORM = (content: string, type = 'submit', formType = '<field var="FORM_TYPE" type="hidden"><value>urn:xmpp:mam:2</value></field>') =>
  `<x xmlns="jabber:x:data" type="${type}">${formType}${content}</x>`
const FIELD = (name: string, ...values: string[]) => `<field var="${name}">${values.map((it) => `<value>${it}</value>`).join('')}</field>`
const SET = (content: string) => `<set xmlns="http://jabber.org/protocol/rsm">${content}</set>`

for (const [what, content, condition] of [
  ['a form that does not say what it is for', FORM('', 'submit', ''), 'bad-request'],
  ['a form for something else', FORM('', 'submit', FIELD('FORM_TYPE', 'urn:xmpp:mam:1')), 'bad-request'],
  ['a form that was not filled in', FORM('', 'form'), 'bad-request'],
  ['a cancelled form', FORM('', 'cancel'), 'bad-request'],
  ['two forms', FORM('') + FORM(''), 'bad-request'],
  ['a field that is not known', FORM(FIELD('{urn:test}text', 'x')), 'feature-not-implemented'],
  ['a field given twice', FORM(FIELD('with', 'a@b') + FIELD('with', 'c@d')), 'bad-request'],
  ['two values of one field', FORM(FIELD('with', 'a@b', 'c@d')), 'bad-request'],
  ['a contact that is no address', FORM(FIELD('with', '@@')), 'bad-request'],
  ['a time without offset', FORM(FIELD('start', '2020-01-01T00:00:00')), 'bad-request'],
  ['a time that there is not', FORM(FIELD('end', '2020-13-01T00:00:00Z')), 'bad-request'],
  ['a date without time', FORM(FIELD('end', '2020-01-01')), 'bad-request'],
  ['a flag that is none', FORM(FIELD('include-groupchat', 'maybe')), 'bad-request'],
  ['a negative size', SET('<max>-1</max>'), 'bad-request'],
  ['a size that is no number', SET('<max>many</max>'), 'bad-request'],
  ['two result sets', SET('') + SET(''), 'bad-request'],
  ['an empty after', SET('<after/>'), 'bad-request'],
  ['a page by its index', SET('<max>5</max><index>10</index>'), 'feature-not-implemented'],
] as const) {
  test(`a query with ${what} is answered with ${condition}`, async (t) => {
    const { romeo } = await romeoAndJuliet(t)
    const answer = await romeo.request(`<iq type="set"><query xmlns="urn:xmpp:mam:2">${content}</query></iq>`)
    assert.equal(errorCondition(answer), condition)
  })
}

test('other children, long query ids and nodes: ignored, refused, not there', async (t) => {
  const { romeo } = await romeoAndJuliet(t)
  const query = (attributes: string, content = '') =>
    romeo.request(`<iq type="set"><query xmlns="urn:xmpp:mam:2" ${attributes}>${content}</query></iq>`)
  assert.equal((await query('', `<other xmlns="urn:test"/>${FORM(FIELD('include-groupchat', 'false'))}`)).attrs.type, 'result')
  assert.equal(errorCondition(await query(`queryid="${'x'.repeat(2000)}"`)), 'bad-request')
  assert.equal(errorCondition(await query('node="princely_musings"')), 'item-not-found')
  for (const wrong of ['<fin xmlns="urn:xmpp:mam:2"/>', '<metadata xmlns="urn:xmpp:mam:2"/>']) {
    assert.equal(errorCondition(await romeo.request(`<iq type="set">${wrong}</iq>`)), 'service-unavailable')
  }
})
