import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '@beaconfire/plugin-sdk'
import { ODD_MESSAGES } from '../../test/support/openfire-database.js'
import { keptStanza } from './kept-stanza.js'

const domain = Jid.parse('test')
const kept = (stanza: string) => ({ messageID: 1, createdAt: new Date(0), creationDate: '000000000000000', stanza })

for (const { stanza, body } of ODD_MESSAGES) {
  test(`${body === undefined ? 'is left where it is' : 'is handed over'}: ${stanza || 'an empty row'}`, () => {
    assert.equal(keptStanza(kept(stanza), domain)?.body, body)
  })
}
