import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, type Message, parseStanza, type RosterService } from '@beaconfire/plugin-sdk'
import { Archive } from './archive.js'
import { ArchiveIds } from './archive-ids.js'
import type { ArchiveStore } from './archive-store.js'
import type { PreferenceCache } from './preference-cache.js'

const ids = new ArchiveIds(Buffer.alloc(16, 1))
const romeo = Jid.parse('romeo@test')
const message = parseStanza('<message from="romeo@test/a" to="juliet@test" type="chat"><body>x</body></message>') as Message

interface Behaviour {
  readonly stored?: Promise<void>
  readonly number?: number | Promise<number>
  readonly preferences?: Promise<never>
  isSaturated?: boolean
}

/** The archive over a store that does as it is told. */
function archive({ stored = Promise.resolve(), number = 7, preferences, ...state }: Behaviour) {
  const errors: object[] = []
  const holds: Promise<unknown>[] = []
  const store = {
    get isSaturated() {
      return state.isSaturated ?? false
    },
    async whenIdle() {
      state.isSaturated = false
    },
    append(_user: string, _contact: Jid, _stanza: string, queued: (stored: Promise<void>) => void) {
      queued(stored)
      return number
    },
  }
  const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void errors.push(fields), child: () => log }
  const subject = new Archive({
    store: store as unknown as ArchiveStore,
    preferences: { of: () => preferences ?? { behavior: 'always', always: [], never: [] } } as unknown as PreferenceCache,
    roster: {} as RosterService,
    ids: () => ids,
    log,
    metrics: { counter: () => ({ increment() {} }), gauge() {} },
  })
  const idFor = () => subject.idFor(message, romeo, { hold: (durable) => void holds.push(durable) })
  return { idFor, holds, errors, state }
}

test('the id is there at once, and the sender is held until the row is on disk', async () => {
  const { idFor, holds } = archive({})
  assert.equal(idFor(), ids.text(7))
  assert.equal(holds.length, 1)
  await holds[0]
})

test('a row that cannot be written fails the sender', async () => {
  const { holds, idFor } = archive({ stored: Promise.reject(new Error('the disk is full')) })
  void idFor()
  await assert.rejects(holds[0] as Promise<unknown>, /the disk is full/)
})

test('preferences or numbers that cannot be read fail the sender, too, and the message has no id', async () => {
  for (const behaviour of [{ preferences: Promise.reject(new Error('gone')) }, { number: Promise.reject(new Error('gone')) }]) {
    const { idFor, holds, errors } = archive(behaviour)
    assert.equal(await idFor(), undefined)
    await assert.rejects(holds.at(-1) as Promise<unknown>, /gone/)
    assert.equal(errors.length, 1)
  }
})

test('while the disk is behind, the sender waits', async () => {
  const { idFor, state } = archive({ isSaturated: true })
  assert.equal(await idFor(), ids.text(7))
  assert.equal(state.isSaturated, false)
})
