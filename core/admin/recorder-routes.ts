/** `/recorder`: arms the flight recorder, and shows what it has recorded. */
import { Readable } from 'node:stream'
import { AdminError, type AdminRoute, adminRoute, Jid, JidError, Type } from '@beaconfire/plugin-sdk'
import type { FlightRecorder, RecorderStatus } from '../pipeline/flight-recorder.js'
import { flightStream } from './flight-stream.js'
import { flightSummary, flightWaterfall, recordingLines } from './flight-view.js'
import { askFor, cursorSchema, limitSchema, pageOf, toPage } from './paging.js'

const MAX_FLIGHTS = 10_000
const MAX_BYTES = 256 * 1024 * 1024

const arming = Type.Object({
  rate: Type.Number({ minimum: 0, maximum: 1, default: 1, description: 'part of the stanzas that fit' }),
  jid: Type.Optional(Type.String({ minLength: 1, description: 'bare or full: sender, recipient, or the session it crosses at' })),
  stanza: Type.Optional(Type.Enum(['message', 'presence', 'iq'])),
  type: Type.Optional(Type.String({ minLength: 1 })),
  plugin: Type.Optional(Type.String({ minLength: 1, description: 'only stanzas that an interceptor of this plugin is called for' })),
  bodies: Type.Boolean({ default: false, description: 'record what is said; otherwise only how long texts are, and whether they change' }),
  seconds: Type.Integer({ minimum: 1, maximum: 86_400, default: 600, description: 'disarmed after so long' }),
  maxFlights: Type.Integer({ minimum: 1, maximum: MAX_FLIGHTS, default: 1000 }),
  maxBytes: Type.Integer({ minimum: 65_536, maximum: MAX_BYTES, default: 8 * 1024 * 1024, description: 'memory, roughly; the oldest go first' }),
})
const statusSchema = Type.Object({
  isArmed: Type.Boolean(),
  arming: Type.Optional(Type.Object({ ...arming.properties })),
  until: Type.Optional(Type.String({ format: 'date-time' })),
  flights: Type.Integer({ description: 'kept now' }),
  bytes: Type.Integer(),
  evicted: Type.Integer({ description: 'that had to go for newer ones' }),
})
const summarySchema = Type.Object({
  id: Type.String(),
  at: Type.String({ format: 'date-time' }),
  kind: Type.String(),
  type: Type.String(),
  stanzaId: Type.Optional(Type.String()),
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  recipients: Type.Integer(),
  isFinished: Type.Boolean(),
  ms: Type.Number(),
  rewrites: Type.Integer(),
  verdict: Type.String({ description: 'passed, rejected, failed, given-up, overran or undelivered' }),
})
const stepSchema = Type.Object({
  kind: Type.String({ description: 'interceptor, hook, route or deliver' }),
  name: Type.String(),
  plugin: Type.Optional(Type.String()),
  band: Type.Optional(Type.String()),
  stage: Type.Optional(Type.String({ description: 'IN-pre, OUT-pre, OUT-post or IN-post' })),
  session: Type.String(),
  at: Type.Number({ description: 'ms since the flight began' }),
  ms: Type.Number(),
  outcome: Type.String(),
  error: Type.Optional(Type.String({ description: 'what was thrown: its text with `bodies`, otherwise its condition or class' })),
  before: Type.Optional(Type.String()),
  after: Type.Optional(Type.String()),
  change: Type.Optional(Type.Object({ at: Type.Integer(), removed: Type.String(), added: Type.String() })),
})
const flightSchema = Type.Object({
  ...summarySchema.properties,
  omitted: Type.Integer({ description: 'recipients whose steps were not recorded' }),
  packet: Type.Optional(Type.String({ description: 'the stanza as the first interceptor saw it' })),
  steps: Type.Array(stepSchema),
})

const query = {
  jid: Type.Optional(Type.String({ minLength: 1, description: 'bare or full: sender, recipient, or a session it crossed at' })),
  stanzaId: Type.Optional(Type.String({ minLength: 1, description: 'the `id` of the stanza' })),
  plugin: Type.Optional(Type.String({ minLength: 1, description: 'one whose interceptor or hook was called' })),
}
const byId = Type.Object({ id: Type.String({ minLength: 1 }) })

/** @param domain of this server, as it stands in recordings */
export function recorderRoutes(recorder: FlightRecorder, domain: string): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/recorder',
      summary: 'Whether the flight recorder is armed, for what, and how much it keeps',
      response: statusSchema,
      handle: () => statusView(recorder.status()),
    }),
    adminRoute({
      method: 'PUT',
      path: '/recorder',
      summary: 'Arms the flight recorder, in place of what it was armed with before; what was recorded stays as far as it fits',
      body: arming,
      response: statusSchema,
      handle: ({ body }) => statusView(recorder.arm({ ...body, jid: jidOf(body.jid) })),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/recorder',
      summary: 'Disarms the flight recorder; what was recorded stays',
      response: statusSchema,
      handle: () => statusView(recorder.disarm()),
    }),
    adminRoute({
      method: 'GET',
      path: '/recorder/flights',
      summary: 'Recorded stanzas, newest first',
      query: Type.Object({ ...query, limit: limitSchema, cursor: cursorSchema }),
      response: pageOf(summarySchema),
      handle({ query: { limit, cursor, ...wanted } }) {
        const found = recorder.search({ ...wanted, before: cursor, limit: askFor(limit) })
        return toPage(found, limit, (last) => last.id, flightSummary)
      },
    }),
    adminRoute({
      method: 'DELETE',
      path: '/recorder/flights',
      summary: 'Forgets what was recorded',
      handle: () => recorder.clear(),
    }),
    adminRoute({
      method: 'GET',
      path: '/recorder/flights/:id',
      summary: 'Every step of one stanza in order of time: a waterfall',
      params: byId,
      response: flightSchema,
      handle({ params }) {
        const flight = recorder.find(params.id)
        if (!flight) throw new AdminError(404, 'flight-not-found', 'there is no such flight; the oldest go when there are too many')
        return flightWaterfall(flight)
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/recorder/stream',
      summary: 'Recorded stanzas as they pass, as server-sent events',
      handle: () => ({ contentType: 'text/event-stream', stream: flightStream((follower) => recorder.follow(follower), flightWaterfall) }),
    }),
    adminRoute({
      method: 'GET',
      path: '/recorder/export',
      summary: 'A recording file, oldest first, as JSON lines: what `beaconfire rehearse` runs a changed plugin through',
      query: Type.Object(query),
      handle({ query: wanted }) {
        const flights = recorder.search({ ...wanted, limit: MAX_FLIGHTS }).reverse()
        const lines = recordingLines(flights, domain)
        return { contentType: 'application/jsonl', fileName: 'recording.jsonl', stream: Readable.from(lines) }
      },
    }),
  ]
}

function statusView({ arming: armed, until, ...counts }: RecorderStatus) {
  return {
    isArmed: armed !== undefined,
    arming: armed && { ...armed, jid: armed.jid?.toString() },
    until: until === undefined ? undefined : new Date(until).toISOString(),
    ...counts,
  }
}

function jidOf(text: string | undefined): Jid | undefined {
  if (text === undefined) return undefined
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) throw new AdminError(400, 'validation', `body.jid is no JID: ${error.message}`, 'body.jid')
    throw error
  }
}
