import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger } from './ledger.js'
import { Random } from './random.js'

const TO = 'juliet@localhost'

function ledgerOf(...ids: readonly string[]): Ledger {
  const ledger = new Ledger()
  for (const id of ids) ledger.written(id, TO, true)
  return ledger
}

function receive(ledger: Ledger, body: string, about: { id?: string; stanzaId?: string; stamp?: string; client?: string } = {}): void {
  const { id = body, stanzaId = `stored ${body}`, stamp, client = `${TO}/phone` } = about
  ledger.received({ client, account: TO, body, id, stanzaId, stamp })
}

test('lost is what was acknowledged, not refused, and never came', () => {
  const ledger = ledgerOf('romeo-1', 'romeo-2', 'romeo-3', 'romeo-4')
  for (const id of ['romeo-1', 'romeo-2', 'romeo-3']) ledger.acknowledgedBy(id)
  receive(ledger, 'romeo-1')
  ledger.refused('romeo-2', 'wait', 'internal-server-error')
  const { sent, acknowledged, refused, delivered, lost } = ledger.figures()
  assert.deepEqual({ sent, acknowledged, refused, delivered, lost }, { sent: 4, acknowledged: 2, refused: 1, delivered: 1, lost: 1 })
  assert.deepEqual(ledger.faults, ['romeo-3 to juliet@localhost was acknowledged and never came'])
})

test('a repeat is known by its stanza id, unless its sender has sent it again, and counts for each client alone', () => {
  const ledger = ledgerOf('romeo-1', 'romeo-2', 'romeo-3')
  ledger.written('romeo-2', TO, true)
  receive(ledger, 'romeo-1')
  receive(ledger, 'romeo-1')
  receive(ledger, 'romeo-1', { client: `${TO}/desk` })
  receive(ledger, 'romeo-2')
  receive(ledger, 'romeo-2', { stanzaId: 'other' })
  receive(ledger, 'romeo-3')
  receive(ledger, 'romeo-3', { stanzaId: 'other' })
  const { doubledSameId, sentAgain, doubledWithoutId } = ledger.figures()
  assert.deepEqual({ doubledSameId, sentAgain, doubledWithoutId }, { doubledSameId: 1, sentAgain: 1, doubledWithoutId: 1 })
})

test('a repeat without the id of the message, or of something nobody sent, cannot be told', () => {
  const ledger = ledgerOf('romeo-1')
  receive(ledger, 'romeo-1')
  receive(ledger, 'romeo-1', { id: 'another' })
  receive(ledger, 'tybalt-1')
  assert.equal(ledger.figures().doubledWithoutId, 2)
})

test('what comes behind a later message is late where a stamp says so, and out of order where none does', () => {
  const ledger = ledgerOf('romeo-1', 'romeo-2', 'romeo-3')
  ledger.written('romeo-4', TO, false)
  receive(ledger, 'romeo-3')
  receive(ledger, 'romeo-1', { stamp: '2026-01-01T00:00:00Z' })
  receive(ledger, 'romeo-2')
  const { late, disordered } = ledger.figures()
  assert.deepEqual({ late, disordered }, { late: 1, disordered: 1 })
})

test('random numbers come again with their seed', () => {
  const draw = (seed: number) => {
    const random = new Random(seed)
    return Array.from({ length: 20 }, () => random.between(1, 6))
  }
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
  assert.ok(draw(7).every((it) => it >= 1 && it <= 6))
})
