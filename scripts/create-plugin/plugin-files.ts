/** The files of a new plugin, by name. What is written here is what authors read first: keep it short and true. */
import { indexModule } from './index-module.js'
import { type PluginShape, pascalCase, snakeCase } from './plugin-shape.js'
import { readme } from './readme.js'
import { testModule } from './test-module.js'

/** Where the plugin's folder lies, which decides what it needs to find the SDK. */
export interface Place {
  /** From the plugin's folder to the repository, with `/`; undefined for a folder of the repository's own `plugins`. */
  readonly repository: string | undefined
}

/** @returns contents by file name */
export function pluginFiles(shape: PluginShape, place: Place): Map<string, string> {
  const { name } = shape
  const files = new Map([
    ['package.json', manifest(shape, place)],
    ['index.ts', indexModule(shape)],
    ['README.md', readme(shape, place)],
    [`${name}.test.ts`, testModule(shape)],
  ])
  if (shape.table) files.set(`${name}-store.ts`, storeModule(shape))
  if (place.repository !== undefined) files.set('tsconfig.json', compilerOptions(place.repository))
  return files
}

function manifest({ name }: PluginShape, { repository }: Place): string {
  const common = { version: '0.1.0', private: true, type: 'module' }
  const content =
    repository === undefined
      ? { name: `@beaconfire/plugin-${name}`, ...common, dependencies: { '@beaconfire/plugin-sdk': '0.1.0' } }
      : {
          name,
          ...common,
          // Both programs are those of the repository, so that nothing has to be installed here.
          scripts: {
            test: `node --import ${quoted(`${repository}/node_modules/tsx/dist/loader.mjs`)} --test ${name}.test.ts`,
            check: `node ${quoted(`${repository}/node_modules/typescript/bin/tsc`)} --noEmit`,
          },
        }
  return json(content)
}

/** Outside the repository nothing leads to the SDK: `paths` says where it is, to the compiler and to tsx. */
function compilerOptions(repository: string): string {
  const sdk = `${repository}/plugin-sdk`
  return json({
    compilerOptions: {
      target: 'ES2023',
      lib: ['ES2023'],
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      typeRoots: [`${repository}/node_modules/@types`],
      types: ['node'],
      strict: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      skipLibCheck: true,
      noEmit: true,
      paths: { '@beaconfire/plugin-sdk': [`${sdk}/index.ts`], '@beaconfire/plugin-sdk/testing': [`${sdk}/testing/index.ts`] },
    },
    // The test kit starts the server itself, which needs what is declared there.
    include: ['*.ts', `${repository}/core/database/knex-dialects.d.ts`],
  })
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

function quoted(path: string): string {
  return path.includes(' ') ? `"${path}"` : path
}

function json(content: object): string {
  return `${JSON.stringify(content, undefined, 2)}\n`
}
