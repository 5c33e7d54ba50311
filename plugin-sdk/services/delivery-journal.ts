/** What the delivery-journal plugin offers: that it is there. Core looks for whoever provides this where `durability` is `strict`. */
export interface DeliveryJournalService {
  /** Messages that were handed to clients and have not arrived. */
  readonly pending: number
}
