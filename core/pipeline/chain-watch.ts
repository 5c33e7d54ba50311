/** Who may look on while stanzas pass the chain: recorders, and shadow versions of plugins. Nobody does unless asked. */
import type { PacketInterceptor, RoutedNotes, Session, Stanza } from '@beaconfire/plugin-sdk'
import type { CallProbe } from './stage-run.js'

/** Follows one crossing of a stanza that is recorded. */
export interface CrossingProbe extends CallProbe {
  /** The act begins, or has ended. */
  acting(): void
  acted(outcome: boolean): void
  /** Nothing more comes of this crossing. */
  finished(): void
}

/** Decides which stanzas are recorded. */
export interface CrossingWatch {
  /** @returns undefined for a crossing that is not to be recorded */
  crossing(packet: Stanza, session: Session, incoming: boolean, routed: RoutedNotes): CrossingProbe | undefined
}

/** Interceptors that a shadow version of a plugin puts beside those that serve. */
export interface InterceptorShadow {
  /** @param serving the plugin's interceptors as they are now */
  arrange(serving: readonly PacketInterceptor[]): ArrangedShadow
}

export interface ArrangedShadow {
  /** What is called in place of each of the plugin's interceptors. */
  readonly beside: ReadonlyMap<PacketInterceptor, PacketInterceptor>
  /** Those that the serving version has not. */
  readonly alone: readonly PacketInterceptor[]
}
