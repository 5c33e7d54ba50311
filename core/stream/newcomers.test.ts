import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger } from '@beaconfire/plugin-sdk'
import { Newcomers } from './newcomers.js'

function newcomers(unauthenticatedConnections: number, unauthenticatedPerAddress: number) {
  const lines: object[] = []
  const log = { warn: (fields: object) => void lines.push(fields) } as unknown as Logger
  return { admitted: new Newcomers({ unauthenticatedConnections, unauthenticatedPerAddress }, log), lines }
}

test('one address cannot take the room of the others', () => {
  const { admitted, lines } = newcomers(100, 2)
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'].map((it) => admitted.admit(it)),
    [true, true, false, true],
  )
  assert.deepEqual(lines, [{ address: '192.0.2.1', refused: 1, waiting: 2 }])
})

test('there is a limit for all addresses together, and a flood fills no log', () => {
  const { admitted, lines } = newcomers(3, 2)
  const answers = Array.from({ length: 1000 }, (_, at) => admitted.admit(`2001:db8::${at}`))
  assert.equal(answers.filter(Boolean).length, 3)
  assert.equal(lines.length, 1)
})

test('who has logged in or left makes room', () => {
  const { admitted } = newcomers(2, 2)
  assert.ok(admitted.admit('192.0.2.1'))
  assert.ok(admitted.admit('192.0.2.1'))
  admitted.recount(['192.0.2.1'])
  assert.ok(admitted.admit('192.0.2.1'))
  assert.equal(admitted.admit('192.0.2.1'), false)
})
