/** The files of a new plugin, by name. What is written here is what authors read first: keep it short and true. */
import { consoleFiles } from './console-files.js'
import { indexModule } from './index-module.js'
import { compilerOptions, manifest } from './manifest.js'
import type { Place } from './place.js'
import { type PluginShape, pascalCase, snakeCase } from './plugin-shape.js'
import { readme } from './readme.js'
import { testModule } from './test-module.js'

/** @returns contents by path in the plugin's folder, with `/` */
export function pluginFiles(shape: PluginShape, place: Place): Map<string, string> {
  const { name } = shape
  const files = new Map([
    ['package.json', manifest(shape, place)],
    ['index.ts', indexModule(shape)],
    ['README.md', readme(shape, place)],
    [`${name}.test.ts`, testModule(shape)],
  ])
  if (shape.table) files.set(`${name}-store.ts`, storeModule(shape))
  if (shape.consolePage) for (const [path, content] of consoleFiles(shape)) files.set(path, content)
  const options = compilerOptions(place)
  if (options !== undefined) files.set('tsconfig.json', options)
  return files
}

function storeModule({ name }: PluginShape): string {
  const table = `${snakeCase(name)}_messages`
  return `/** The plugin's table, and all SQL over it. */
import type { Appender, Database, Migration } from '@beaconfire/plugin-sdk'

const TABLE = '${table}'

/** Steps run once and in order. Never change one that was released: add the next. */
export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(schema) {
      await schema.createTable(TABLE, (table) => {
        table.bigInteger('sentAt').notNullable()
        table.text('sender').notNullable()
        table.text('body', 'mediumtext').notNullable()
      })
    },
  },
]

type MessageRow = {
  /** Epoch milliseconds. */
  sentAt: number
  /** Bare JID. */
  sender: string
  body: string
}

export class ${pascalCase(name)}Store {
  readonly #database: Database
  readonly #rows: Appender<MessageRow>

  constructor(database: Database) {
    this.#database = database
    this.#rows = database.appender<MessageRow>(TABLE, ['sentAt', 'sender', 'body'])
  }

  /** Resolves when the row is on disk; rows of many messages share a transaction. */
  add(sender: string, body: string): Promise<void> {
    return this.#rows.append({ sentAt: Date.now(), sender, body })
  }

  async count(): Promise<number> {
    await this.#rows.whenIdle()
    const row = await this.#database.knex(TABLE).count({ count: '*' }).first()
    return Number(row?.count ?? 0)
  }
}
`
}
