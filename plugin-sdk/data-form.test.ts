import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkForm, type FormField, type FormValues, formElement, readForm, resultForm, submittedForm } from './data-form.js'
import { parseElement } from './element.js'
import { Jid } from './jid.js'
import { StanzaError } from './stanza-error.js'

const juliet = Jid.parse('juliet@test')
const fields: readonly FormField[] = [
  { type: 'fixed', value: 'Who and what' },
  { name: 'who', type: 'jid-single', label: 'Who', required: true },
  { name: 'friends', type: 'jid-multi' },
  { name: 'public', type: 'boolean', value: true },
  { name: 'about', type: 'text-multi', value: 'one\ntwo' },
  { name: 'colour', type: 'list-single', options: [{ value: 'red', label: 'Red' }, { value: 'blue' }] },
]

const submit = (content: string, type = 'submit') => parseElement(`<x xmlns="jabber:x:data" type="${type}">${content}</x>`)
const read = (content: string): FormValues => readForm(submit(content), 'urn:test')
const condition = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof StanzaError) return error.condition
    throw error
  }
  return 'accepted'
}

test('a form to fill in has its hidden type first, and each field with label, value and options', () => {
  const form = formElement({ formType: 'urn:test', title: 'A <title>', instructions: 'First\nSecond', fields })
  assert.equal(
    form.toString(),
    '<x xmlns="jabber:x:data" type="form"><title>A &lt;title&gt;</title><instructions>First</instructions><instructions>Second</instructions>' +
      '<field type="hidden" var="FORM_TYPE"><value>urn:test</value></field><field type="fixed"><value>Who and what</value></field>' +
      '<field type="jid-single" var="who" label="Who"><required/></field><field type="jid-multi" var="friends"/>' +
      '<field type="boolean" var="public"><value>1</value></field>' +
      '<field type="text-multi" var="about"><value>one</value><value>two</value></field>' +
      '<field type="list-single" var="colour"><option label="Red"><value>red</value></option><option><value>blue</value></option></field></x>',
  )
})

test('what was submitted is read back as it was written', () => {
  const values = readForm(
    parseElement(
      submittedForm({
        formType: 'urn:test',
        fields: [
          { name: 'who', value: juliet },
          { name: 'friends', type: 'jid-multi', value: [juliet, 'ROMEO@test', 'romeo@test'] },
          { name: 'public', value: false },
          { name: 'about', type: 'text-multi', value: 'a\r\nb' },
          { name: 'size', value: 12 },
          { name: 'none' },
        ],
      }).toString(),
    ),
    'urn:test',
  )
  assert.equal(values.formType, 'urn:test')
  assert.equal(values.jid('who'), juliet)
  assert.deepEqual(values.jids('friends').map(String), ['juliet@test', 'romeo@test'])
  assert.equal(values.flag('public'), false)
  assert.equal(values.text('about'), 'a\nb')
  assert.equal(values.whole('size'), 12)
  assert.equal(values.has('none') && values.value('none'), undefined)
  assert.deepEqual(values.names(), ['who', 'friends', 'public', 'about', 'size', 'none'])
})

test('a result may hold rows under headings', () => {
  const table = { columns: [{ name: 'jid', type: 'jid-single', label: 'JID' }] as const, rows: [{ jid: juliet }, {}] }
  assert.equal(
    resultForm({ fields: [] }, table).toString(),
    '<x xmlns="jabber:x:data" type="result"><reported><field var="jid" type="jid-single" label="JID"/></reported>' +
      '<item><field var="jid"><value>juliet@test</value></field></item><item><field var="jid"/></item></x>',
  )
})

test('a form that cannot be read is refused', () => {
  assert.equal(
    condition(() => readForm(submit('', 'form'))),
    'bad-request',
  )
  assert.equal(
    condition(() => read('<field var="FORM_TYPE"><value>urn:other</value></field>')),
    'bad-request',
  )
  assert.equal(
    condition(() => read('<field><value>x</value></field>')),
    'bad-request',
  )
  assert.equal(
    condition(() => read('<field var="a"/><field var="a"/>')),
    'bad-request',
  )
  assert.equal(
    condition(() => read('<field type="fixed"><value>x</value></field><field var="a"/>')),
    'accepted',
  )
})

test('what was filled in is checked against what was asked for', () => {
  const check = (content: string) => condition(() => checkForm(fields, read(content)))
  const who = '<field var="who"><value>juliet@test</value></field>'
  assert.equal(check(who), 'accepted')
  assert.equal(check(`${who}<field var="unknown"><value>x</value></field>`), 'accepted')
  assert.equal(check(''), 'not-acceptable')
  assert.equal(check('<field var="who"><value> </value></field>'), 'not-acceptable')
  assert.equal(check('<field var="who"><value>@</value></field>'), 'bad-request')
  assert.equal(check('<field var="who"><value>a@b</value><value>c@d</value></field>'), 'bad-request')
  assert.equal(check(`${who}<field var="friends"><value>a@b</value><value>@</value></field>`), 'bad-request')
  assert.equal(check(`${who}<field var="public"><value>maybe</value></field>`), 'bad-request')
  assert.equal(check(`${who}<field var="colour"><value>green</value></field>`), 'bad-request')
  assert.equal(check(`${who}<field var="colour"><value>blue</value></field>`), 'accepted')
})
