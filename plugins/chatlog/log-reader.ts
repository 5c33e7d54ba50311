/** A log that the admin API can ask: our own, or an archive that another program has left. */
import type { Order, Position, Selection } from './chat-log-store.js'
import type { ChatLogRow } from './chat-log-tables.js'

export type Source = 'own' | 'openfire'

export interface LogReader {
  /** At most `limit` rows behind `after`, in order. */
  read(selection: Selection, order: Order, after: Position | undefined, limit: number): Promise<(ChatLogRow & Position)[]>
  count(selection: Selection): Promise<number>
}
