import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Jid, StanzaError } from '@beaconfire/plugin-sdk'
import { recordingLogger } from '@beaconfire/plugin-sdk/testing'
import { HookRegistry } from './hooks.js'

const user = Jid.parse('romeo@test')
const undelivered = { message: undefined as never, recipient: user, origin: undefined as never, isGivenBack: false, hold() {} }

describe('hooks', () => {
  test('a question goes on to the next plugin until one has handled it', async () => {
    const asked: string[] = []
    const hooks = new HookRegistry(recordingLogger().log)
    hooks.add('a', {
      messageUndelivered: () => {
        asked.push('a')
        return 'pass'
      },
    })
    hooks.add('b', {
      messageUndelivered: async () => {
        asked.push('b')
        return 'handled' as const
      },
    })
    hooks.add('c', {
      messageUndelivered: () => {
        asked.push('c')
        return 'handled'
      },
    })
    assert.equal(await hooks.ask('messageUndelivered', undelivered), 'handled')
    assert.deepEqual(asked, ['a', 'b'])
  })

  test('a fact reaches every plugin though one fails, whose error is logged with its name', async () => {
    const { log, entries } = recordingLogger()
    const told: string[] = []
    const hooks = new HookRegistry(log)
    hooks.add('broken', { userCreated: () => Promise.reject(new Error('broken')) })
    hooks.add('sound', { userCreated: ({ user: it }) => void told.push(it.toString()) })
    await hooks.tell('userCreated', { user })
    assert.deepEqual(told, ['romeo@test'])
    assert.equal(entries[0]?.fields.plugin, 'broken')
  })

  test('a stanza error of a hook goes up to who routes, for the sender to be answered', async () => {
    const hooks = new HookRegistry(recordingLogger().log)
    hooks.add('full', {
      messageUndelivered: async () => {
        throw new StanzaError('resource-constraint')
      },
    })
    await assert.rejects(async () => hooks.ask('messageUndelivered', undelivered), StanzaError)
  })

  test('nobody is asked after the undo', () => {
    const hooks = new HookRegistry(recordingLogger().log)
    const undo = hooks.add('a', { messageUndelivered: () => 'handled' })
    undo()
    assert.equal(hooks.ask('messageUndelivered', undelivered), 'pass')
  })
})

test('a verdict that never comes is answered for, once its time is up', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const hooks = new HookRegistry(recordingLogger().log)
  hooks.add('slow', { messageUndelivered: () => new Promise<never>(() => {}) })
  const verdict = hooks.ask('messageUndelivered', {} as never)
  t.mock.timers.tick(30_000)
  await assert.rejects(Promise.resolve(verdict), { name: 'StanzaError', condition: 'internal-server-error' })
})

test('a hook that refuses a fact does not keep it from the others; its refusal is thrown when all have heard', async () => {
  for (const wait of [undefined, Promise.resolve()]) {
    const hooks = new HookRegistry(recordingLogger().log)
    const heard: string[] = []
    const refuse = () => {
      throw new StanzaError('forbidden')
    }
    hooks.add('grumpy', { userDeleted: () => wait?.then(refuse) ?? refuse() })
    hooks.add('listener', { userDeleted: () => void heard.push('listener') })
    await assert.rejects(async () => hooks.tell('userDeleted', { user }), StanzaError)
    assert.deepEqual(heard, ['listener'])
  }
})
