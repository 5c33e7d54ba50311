import assert from 'node:assert/strict'
import test from 'node:test'
import { PacketRejected, StanzaError } from '@beaconfire/plugin-sdk'
import { shownError } from './shown-error.js'

const body = 'meet me at the tomb'
class BadWord extends Error {}
const errors: readonly [unknown, string][] = [
  [new Error(`bad word in: ${body}`), 'Error'],
  [new BadWord(body), 'BadWord'],
  [Object.assign(new Error(body), { name: body }), 'Error'],
  [new (class extends Error {})(body), 'Error'],
  [new PacketRejected({ condition: 'policy-violation', text: body }), 'policy-violation'],
  [new StanzaError('forbidden', { text: body }), 'forbidden'],
  [Object.assign(new Error(body), { code: 'ECONNREFUSED' }), 'Error ECONNREFUSED'],
  [Object.assign(new Error(body), { code: body }), 'Error'],
  [body, '(thrown: string)'],
  [null, '(thrown: null)'],
  [{ body }, '(thrown: object)'],
]

test('without bodies an error shows its condition, or its class and code, and nothing that it says', () => {
  for (const [error, shown] of errors) assert.equal(shownError(error, false), shown)
})

test('with bodies it shows what it says', () => {
  for (const [error] of errors) if (error !== null) assert.ok(shownError(error, true).includes(body))
})
