/** Reads what the flight recorder exports: JSON lines, of which the first describes the file and each other is one crossing. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Type } from 'typebox'
import Value from 'typebox/value'
import type { Passage, PassageCrossing } from './passage.js'
import { RehearsalImpossible } from './rehearsal-options.js'

const FORMAT = 'beaconfire-recording'
const VERSION = 1
const header = Type.Object({ format: Type.Literal(FORMAT), version: Type.Integer(), domain: Type.String({ minLength: 1 }) })
const crossing = Type.Object({
  flight: Type.String(),
  at: Type.Number(),
  bodies: Type.Boolean(),
  incoming: Type.Boolean(),
  session: Type.Object({
    kind: Type.Enum(['client', 'server', 'component', 'internal']),
    id: Type.String(),
    remoteAddress: Type.String(),
    secure: Type.Boolean(),
    jid: Type.String(),
  }),
  packet: Type.String(),
  steps: Type.Array(Type.Object({ plugin: Type.Optional(Type.String()), before: Type.Optional(Type.String()), after: Type.Optional(Type.String()) })),
})
type RecordedCrossing = Type.Static<typeof crossing>

export interface Recording {
  /** Of the server that recorded. */
  readonly domain: string
  passages(): AsyncIterable<Passage>
}

/** @param plugin whose interceptors are to see the stanzas @throws RehearsalImpossible, also on the way */
export async function openRecording(file: string, plugin: string): Promise<Recording> {
  const lines = linesOf(file)
  const first = await lines.next()
  if (first.done) throw new RehearsalImpossible(`${file} is empty`)
  const parsed = parsedLine(file, 1, first.value)
  if (!Value.Check(header, parsed)) throw new RehearsalImpossible(`${file} is no recording of the flight recorder: its first line does not say so`)
  if (parsed.version !== VERSION) throw new RehearsalImpossible(`${file} is a recording of version ${parsed.version}; this program reads ${VERSION}`)
  return { domain: parsed.domain, passages: () => passagesOf(file, lines, plugin) }
}

async function* passagesOf(file: string, lines: AsyncIterable<string>, plugin: string): AsyncGenerator<Passage> {
  let number = 1
  let passage: (Passage & { crossings: PassageCrossing[] }) | undefined
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    const parsed = parsedLine(file, number, line)
    if (!Value.Check(crossing, parsed)) throw new RehearsalImpossible(`${file}: line ${number} is no crossing of a stanza`)
    if (passage && passage.id !== parsed.flight) {
      yield passage
      passage = undefined
    }
    passage ??= { id: parsed.flight, at: parsed.at, hasBodies: parsed.bodies, crossings: [] }
    passage.crossings.push({ incoming: parsed.incoming, session: parsed.session, packet: metBy(plugin, parsed) })
  }
  if (passage) yield passage
}

/** The stanza as it was when the plugin was first called; as the crossing began, where it was not called. */
function metBy(plugin: string, { packet, steps }: RecordedCrossing): string {
  const first = steps.findIndex((it) => it.plugin === plugin)
  return steps.slice(0, Math.max(0, first)).findLast((it) => it.after !== undefined)?.after ?? packet
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })
  } catch (error) {
    throw new RehearsalImpossible(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parsedLine(file: string, number: number, line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new RehearsalImpossible(`${file}: line ${number} is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
