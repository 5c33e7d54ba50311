/** The hash by which contacts know whether they have an avatar already (XEP-0153 §3.1). */
import { createHash } from 'node:crypto'
import { childElements, type Element, findChild } from '@beaconfire/plugin-sdk'

const WHITE_SPACE = /[ \t\r\n]+/g
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** SHA-1 of the photo's image, in hexadecimal; '' when the vCard holds no photo, or one that is no base64. */
export function photoHash(vcard: Element): string {
  for (const photo of childElements(vcard)) {
    if (photo.getName() !== 'PHOTO') continue
    const image = findChild(photo, 'BINVAL')?.getText().replace(WHITE_SPACE, '')
    if (image && BASE64.test(image)) return createHash('sha1').update(Buffer.from(image, 'base64')).digest('hex')
  }
  return ''
}
