import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, parseElement } from '@beaconfire/plugin-sdk'
import { avatarImage, describedImage, metadataElement, photoOf, withPhoto } from './avatar-image.js'

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').toString('base64')

test('what an image is, is said by its sender or seen from its first bytes; anything else is no image', () => {
  assert.equal(avatarImage(PNG, undefined)?.type, 'image/png')
  assert.equal(avatarImage(PNG, 'image/x-icon')?.type, 'image/x-icon')
  assert.equal(avatarImage(PNG, 'text/html')?.type, 'image/png')
  for (const text of ['', 'no base64!', Buffer.from('plain text').toString('base64')]) assert.equal(avatarImage(text, undefined), undefined)
})

test('line breaks in the data do not change its hash', () => {
  assert.deepEqual(avatarImage(`\n ${PNG.slice(0, 8)}\r\n${PNG.slice(8)}\t`, undefined), avatarImage(PNG, undefined))
})

test('a photo takes the place of another, and what else is in the vCard stays', () => {
  const before = parseElement("<vCard xmlns='vcard-temp'><FN>J</FN><PHOTO><EXTVAL>https://x/</EXTVAL></PHOTO></vCard>")
  assert.equal(photoOf(before), undefined)
  const image = avatarImage(PNG, undefined)
  const after = withPhoto(before, image)
  assert.deepEqual(photoOf(after), image)
  assert.deepEqual(
    childElements(after).map((it) => it.getName()),
    ['FN', 'PHOTO'],
  )
  assert.equal(String(withPhoto(after, undefined)), '<vCard xmlns="vcard-temp"><FN>J</FN></vCard>')
})

test('of what metadata describes the image at the account itself counts', () => {
  const elsewhere = parseElement(
    "<metadata xmlns='urn:xmpp:avatar:metadata'><info id='a' url='https://x/'/><info id='B' type='image/gif'/></metadata>",
  )
  assert.deepEqual(describedImage(elsewhere), { id: 'b', type: 'image/gif' })
  assert.equal(describedImage(metadataElement(undefined)), undefined)
})
