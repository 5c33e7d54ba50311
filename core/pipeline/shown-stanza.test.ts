import assert from 'node:assert/strict'
import test from 'node:test'
import { shownStanza } from './shown-stanza.js'

const key = 'key'

test('what somebody may have written anywhere in a stanza is left out, the attributes of the stanza included', () => {
  const shown = shownStanza(
    '<message xmlns="jabber:client" type="chat" id="m1" note="poison"><body>tomb</body><x secret="friar"/></message>',
    false,
    key,
  )
  for (const said of ['poison', 'tomb', 'friar']) assert.ok(!shown.includes(said), said)
  assert.match(shown, /type="chat"/)
  assert.match(shown, /id="m1"/)
})

test('what cannot be read is not shown at all', () => {
  assert.equal(shownStanza('<message><body>tomb</message>', false, key), '(cannot be shown without its texts)')
})
