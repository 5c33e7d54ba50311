/**
 * Reads the stream header of the form nearly all clients write, without a tokenizer: the two usual namespaces under the usual prefix,
 * attributes of printable ASCII without references. Whatever is not of that form, or not whole, is left to the strict parser.
 */
import { NS } from '@beaconfire/plugin-sdk'
import type { StreamHeader } from './stream-parser.js'

/** What a plain header comes to for the namespaces of what follows. */
export const PLAIN_ROOT = `<stream:stream xmlns='${NS.client}' xmlns:stream='${NS.streams}'>`
export const PLAIN_END = '</stream:stream>'

const DECLARATION = `<\\?xml version=(?:'1\\.0'|"1\\.0")(?: encoding=(?:'(?:UTF|utf)-8'|"(?:UTF|utf)-8"))? ?\\?>[ \\n]*`
const NAME = '[a-z]+(?::[a-z]+)?'
const VALUE = `(?:'[ -%(-;=-~]*'|"[ !#-%'-;=-~]*")`
/** No two ways to read the same text, so that the time is linear. */
const HEADER = new RegExp(`^(?:${DECLARATION})?<stream:stream((?: +${NAME}=${VALUE})+) *>`)
const ATTRIBUTE = new RegExp(` +(${NAME})=(${VALUE})`, 'g')
const NAMES = new Set(['xmlns', 'xmlns:stream', 'to', 'from', 'id', 'version', 'xml:lang'])

/** @returns the header and where it ends; undefined when there is none, or one that is left to the strict parser */
export function plainHeader(text: string, mostAttributes: number): { readonly header: StreamHeader; readonly end: number } | undefined {
  const found = HEADER.exec(text)
  if (!found) return undefined
  const attributes: Record<string, string> = Object.create(null)
  let count = 0
  for (const [, name = '', quoted = ''] of (found[1] as string).matchAll(ATTRIBUTE)) {
    if (++count > mostAttributes || !NAMES.has(name) || name in attributes) return undefined
    attributes[name] = quoted.slice(1, -1)
  }
  if (attributes.xmlns !== NS.client || attributes['xmlns:stream'] !== NS.streams) return undefined
  delete attributes.xmlns
  delete attributes['xmlns:stream']
  return { header: { name: 'stream', namespace: NS.streams, contentNamespace: NS.client, attributes }, end: found[0].length }
}
