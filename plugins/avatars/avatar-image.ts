/** An avatar's image as vCards (XEP-0153 §3) and personal eventing (XEP-0084 §4) write it. */
import { createHash } from 'node:crypto'
import { childElements, type Element, element, findChild, NS } from '@beaconfire/plugin-sdk'

export interface AvatarImage {
  /** SHA-1 of the bytes, in hexadecimal. */
  readonly id: string
  readonly base64: string
  readonly bytes: number
  /** Content type (MIME). */
  readonly type: string
}

const WHITE_SPACE = /[ \t\r\n]+/g
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const CONTENT_TYPE = /^image\/[A-Za-z0-9.+-]{1,60}$/
/** First bytes in base64 of what clients send without saying what it is. */
const KNOWN_BEGINNINGS: readonly (readonly [beginning: string, type: string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
]

/** Undefined for text that is no base64, or bytes of no known type. */
export function avatarImage(text: string, type: string | undefined): AvatarImage | undefined {
  const base64 = text.replace(WHITE_SPACE, '')
  if (!BASE64.test(base64)) return undefined
  const known = type !== undefined && CONTENT_TYPE.test(type) ? type : KNOWN_BEGINNINGS.find(([start]) => base64.startsWith(start))?.[1]
  if (!known) return undefined
  const bytes = Buffer.from(base64, 'base64')
  return { id: createHash('sha1').update(bytes).digest('hex'), base64, bytes: bytes.length, type: known }
}

/** The photo in a vCard, if it holds one. */
export function photoOf(vcard: Element): AvatarImage | undefined {
  for (const photo of childElements(vcard)) {
    const data = photo.getName() === 'PHOTO' ? findChild(photo, 'BINVAL')?.getText() : undefined
    if (data !== undefined) return avatarImage(data, findChild(photo, 'TYPE')?.getText().trim())
  }
  return undefined
}

/** The vCard with this photo in place of any other, or with none. */
export function withPhoto(vcard: Element | undefined, image: AvatarImage | undefined): Element {
  const others = vcard ? childElements(vcard).filter((it) => it.getName() !== 'PHOTO') : []
  const photo = image && element('PHOTO', {}, element('TYPE', {}, image.type), element('BINVAL', {}, image.base64))
  return element('vCard', { ...vcard?.attrs, xmlns: NS.vcard }, ...others, photo)
}

export function dataElement({ base64 }: AvatarImage): Element {
  return element('data', { xmlns: NS.avatarData }, base64)
}

/** No image: an avatar that is switched off (XEP-0084 §4.2.4). */
export function metadataElement(image: AvatarImage | undefined): Element {
  return element('metadata', { xmlns: NS.avatarMetadata }, image && element('info', { bytes: image.bytes, id: image.id, type: image.type }))
}

/** Id and type of the image that is at the account itself (XEP-0398 §3.1); undefined when there is none. */
export function describedImage(metadata: Element): { readonly id: string; readonly type: string | undefined } | undefined {
  const info = childElements(metadata).find((it) => it.getName() === 'info' && it.attrs.url === undefined && it.attrs.id !== undefined)
  return info && { id: String(info.attrs.id).toLowerCase(), type: info.attrs.type as string | undefined }
}
