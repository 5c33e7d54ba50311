/** Asks on a terminal for what the command line did not say. */
import type { Readable, Writable } from 'node:stream'
import { multiselect, text } from '@clack/prompts'
import { type PluginParts, ShapeRefused, shapeOf } from './plugin-shape.js'

/** The author has thought better of it. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
}

export interface Asked {
  readonly name: string
  readonly parts: PluginParts
}

export interface Terminal {
  readonly input: Readable
  readonly output: Writable
}

/** What a plugin can be made with, and what is said of it. */
export const PART_HINTS: Readonly<Record<keyof PluginParts, string>> = {
  interceptor: 'sees every message',
  iqHandler: 'answers an iq request of a namespace of its own',
  adminRoute: 'adds a route to the admin API',
  table: 'has a table, into which its interceptor writes messages',
  config: 'has a key in the configuration',
  consolePage: 'has a page in the web console',
}

const PART_LABELS: Readonly<Record<keyof PluginParts, string>> = {
  interceptor: 'interceptor',
  iqHandler: 'iq handler',
  adminRoute: 'admin route',
  table: 'table',
  config: 'configuration',
  consolePage: 'console page',
}

/** @param given what the command line said is not asked again @throws Cancelled (rejects) on Ctrl-C or Escape */
export async function ask(given: { readonly name?: string | undefined; readonly parts: PluginParts }, terminal: Terminal): Promise<Asked> {
  const name =
    given.name ?? answered(await text({ ...terminal, message: 'Name of the plugin, also of its folder', placeholder: 'hello', validate: refusal }))
  if (Object.keys(given.parts).length > 0) return { name, parts: given.parts }
  const keys = Object.keys(PART_HINTS) as (keyof PluginParts)[]
  const chosen = answered(
    await multiselect({
      ...terminal,
      message: 'What shall it have? (space chooses, return goes on)',
      options: keys.map((value) => ({ value, label: PART_LABELS[value], hint: PART_HINTS[value] })),
      initialValues: ['interceptor'] as (keyof PluginParts)[],
      required: true,
    }),
  )
  return { name, parts: Object.fromEntries(chosen.map((part) => [part, true])) }
}

/** A prompt that was left answers with a symbol. */
function answered<T>(answer: T): Exclude<T, symbol> {
  if (typeof answer === 'symbol') throw new Cancelled('nothing was written')
  return answer as Exclude<T, symbol>
}

function refusal(name: string | undefined): string | undefined {
  try {
    shapeOf(name ?? '', {})
    return undefined
  } catch (error) {
    if (error instanceof ShapeRefused) return error.message
    throw error
  }
}
