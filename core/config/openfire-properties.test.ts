import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { configFromProperties, settingsFromProperties } from './openfire-properties.js'

const properties = (all: Record<string, string>) => new Map(Object.entries(all))

test('properties of the server become keys of its configuration', () => {
  const { tree, refused } = configFromProperties(
    properties({
      'xmpp.domain': 'chat.example',
      'xmpp.session.conflict-limit': '-1',
      'sasl.mechs': 'PLAIN, DIGEST-MD5,SCRAM-SHA-1',
      'xmpp.auth.anonymous': 'false',
      'route.all-resources': 'false',
      'route.really-all-resources': 'true',
    }),
  )
  assert.deepEqual(tree, {
    domain: 'chat.example',
    c2s: { resourceConflict: 'reject-new', saslMechanisms: ['SCRAM-SHA-256', 'PLAIN', 'SCRAM-SHA-1'], anonymous: false },
    route: { allResources: true },
  })
  assert.deepEqual(refused, [])
})

test('values without a meaning here are named and set nothing', () => {
  const { tree, refused } = configFromProperties(
    properties({ 'xmpp.session.conflict-limit': 'often', 'sasl.mechs': 'DIGEST-MD5,CRAM-MD5', 'route.really-all-resources': 'false' }),
  )
  assert.deepEqual(tree, {})
  assert.deepEqual(
    refused.map((it) => it.split(' ')[0]),
    ['xmpp.session.conflict-limit', 'sasl.mechs'],
  )
})

test('a plugin names the properties that its settings are the same as', () => {
  const schema = Type.Object({
    policy: Type.Enum(['store', 'drop'], { default: 'store', openfireProperty: 'offline.type' }),
    quota: Type.Integer({ default: 1, minimum: 0, openfireProperty: 'offline.quota' }),
    days: Type.Integer({ default: 0, openfireProperty: 'clean.days', openfireWhen: 'clean.enabled' }),
    other: Type.Boolean({ default: true }),
  })
  const given = { 'offline.type': 'DROP', 'offline.quota': '-5', 'clean.days': '30', other: 'false' }
  const { tree, refused } = settingsFromProperties(schema, properties(given))
  assert.deepEqual(tree, { policy: 'drop' })
  assert.deepEqual(refused, ['offline.quota has the value "-5", which is none for quota'])
  assert.deepEqual(settingsFromProperties(schema, properties({ ...given, 'clean.enabled': 'true' })).tree, { policy: 'drop', days: 30 })
})
