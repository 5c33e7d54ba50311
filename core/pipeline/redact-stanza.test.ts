import assert from 'node:assert/strict'
import test from 'node:test'
import { redactStanza } from './redact-stanza.js'

const key = 'key'

test('what somebody may have written anywhere in a stanza is left out, the attributes of the stanza included', () => {
  const shown = redactStanza('<message xmlns="jabber:client" type="chat" id="m1" note="poison"><body>tomb</body><x secret="friar"/></message>', key)
  for (const said of ['poison', 'tomb', 'friar']) assert.ok(!shown.includes(said), said)
  assert.match(shown, /type="chat"/)
  assert.match(shown, /id="m1"/)
})

test('what cannot be read is not shown at all', () => {
  assert.equal(redactStanza('<message><body>tomb</message>', key), '(cannot be shown without its texts)')
})
