/**
 * Columns of XML in a database that another program made: their character set may not hold every character, but XML can say each in
 * ASCII; and their type may not hold as much as a stanza can be long.
 */
import type { Database } from './database.js'
import { parseElement, XmlError } from './element.js'

/** Character sets that hold all of Unicode. */
const WHOLE = new Set(['utf8mb4', 'utf16', 'utf32', 'utf16le'])
/** Those that hold the first 65,536 characters. */
const BASIC = new Set(['utf8', 'utf8mb3', 'ucs2'])
const BEYOND_BASIC = /[\u{10000}-\u{10ffff}]/gu
const BEYOND_ASCII = /[\u{80}-\u{10ffff}]/gu

/** Bytes of a character in UTF-8 for one UTF-16 unit, and of a unit that is written as a reference. */
const MOST_BYTES = 3
const MOST_BYTES_OF_REFERENCE = 8

/** Writes XML so that the column keeps all of it. Reading needs nothing. */
export class XmlColumn {
  readonly #beyond: RegExp | undefined
  readonly #bytes: number

  private constructor(beyond: RegExp | undefined, bytes: number) {
    this.#beyond = beyond
    this.#bytes = bytes
  }

  /** A column that holds everything: that of a table that this server made. */
  static readonly unlimited = new XmlColumn(undefined, Number.POSITIVE_INFINITY)

  /** Asks the database for the column's character set and length. */
  static async of(database: Pick<Database, 'client' | 'knex'>, table: string, column: string): Promise<XmlColumn> {
    if (database.client !== 'mysql') return XmlColumn.unlimited
    const row = await database
      .knex('information_schema.columns')
      .whereRaw('table_schema = database()')
      .where({ table_name: table, column_name: column })
      .first<{ charset: string | null; bytes: number | null } | undefined>({ charset: 'character_set_name', bytes: 'character_octet_length' })
    const bytes = Number(row?.bytes ?? Number.POSITIVE_INFINITY)
    const charset = row?.charset
    if (!charset || WHOLE.has(charset)) return new XmlColumn(undefined, bytes)
    return new XmlColumn(BASIC.has(charset) ? BEYOND_BASIC : BEYOND_ASCII, bytes)
  }

  /** True when the column is long enough for what {@link encode} makes of it. */
  fits(xml: string): boolean {
    const most = xml.length * (this.#beyond ? MOST_BYTES_OF_REFERENCE : MOST_BYTES)
    return most <= this.#bytes || Buffer.byteLength(this.encode(xml)) <= this.#bytes
  }

  /** @param xml well-formed; where a name holds such a character it stays as it is, and the database refuses it */
  encode(xml: string): string {
    if (!this.#beyond || xml.search(this.#beyond) < 0) return xml
    const encoded = xml.replace(this.#beyond, (character) => `&#x${character.codePointAt(0)?.toString(16)};`)
    try {
      parseElement(encoded)
      return encoded
    } catch (error) {
      if (error instanceof XmlError) return xml
      throw error
    }
  }
}
