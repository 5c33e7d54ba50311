/** Flights as the admin API shows them, and as a recording file keeps them. */
import { changeBetween, type Flight, type FlightStep } from '../pipeline/flight.js'

/** Version of the file's form; a reader refuses those it does not know. */
const RECORDING_VERSION = 1

/** One flight in a list. */
export function flightSummary(flight: Flight) {
  const { id, at, kind, type, stanzaId, from, to, crossings, omitted } = flight
  const steps = crossings.flatMap((it) => it.steps)
  return {
    id,
    at: new Date(at).toISOString(),
    kind,
    type,
    stanzaId,
    from,
    to,
    recipients: crossings.filter((it) => !it.incoming).length + omitted,
    isFinished: crossings.every((it) => it.isFinished),
    ms: Math.max(0, ...steps.map((it) => it.at + it.took)) / 1000,
    rewrites: steps.filter((it) => it.mark?.after !== undefined).length,
    verdict: verdictOf(steps),
  }
}

/** One flight with every step: all of them in order of time, so that those of recipients stand inside the routing of the stanza. */
export function flightWaterfall(flight: Flight) {
  const { crossings, omitted } = flight
  return {
    ...flightSummary(flight),
    omitted,
    packet: crossings[0]?.packet,
    steps: crossings
      .flatMap((crossing) => crossing.steps.map((step) => ({ ...withChange(stepView(step)), session: crossing.session.jid })))
      // What lasts longest comes first where two begin together: it contains the other.
      .sort((a, b) => a.at - b.at || b.ms - a.ms),
  }
}

/**
 * A recording file as JSON lines. The first says `{ format, version, domain, recordedAt, flights }`. Each other line is one crossing:
 * the stanza as the first interceptor saw it (`packet`), whose session it was at, and the steps in order, with `before` and `after`
 * where an interceptor rewrote it: what an interceptor was given is the last `after` before it, or `packet`. Where `bodies` is false
 * texts are left out, and a rehearsal cannot judge interceptors that read them.
 */
export function* recordingLines(flights: readonly Flight[], domain: string): Iterable<string> {
  yield line({ format: 'beaconfire-recording', version: RECORDING_VERSION, domain, recordedAt: new Date().toISOString(), flights: flights.length })
  for (const flight of flights) {
    for (const [index, { incoming, session, packet, steps }] of flight.crossings.entries()) {
      yield line({ flight: flight.id, at: flight.at, bodies: flight.bodies, crossing: index, incoming, session, packet, steps: steps.map(stepView) })
    }
  }
}

/** Times in ms. */
function stepView({ waypoint, at, took, outcome, mark }: FlightStep) {
  return { ...waypoint, at: at / 1000, ms: took / 1000, outcome, error: mark?.error, before: mark?.before, after: mark?.after }
}

function withChange(step: ReturnType<typeof stepView>) {
  const { before, after } = step
  return { ...step, change: before === undefined || after === undefined ? undefined : changeBetween(before, after) }
}

function verdictOf(steps: readonly FlightStep[]): string {
  for (const outcome of ['rejected', 'failed', 'given-up', 'undelivered', 'overran'] as const)
    if (steps.some((it) => it.outcome === outcome)) return outcome
  return 'passed'
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}
