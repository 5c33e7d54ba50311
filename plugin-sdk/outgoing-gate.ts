/** A gate before what is written to a client: keeps back what can wait, without anybody noticing (XEP-0352). */
import type { Stanza } from './stanza.js'

export interface OutgoingGate {
  /**
   * Asked for each stanza that is about to be written, when it has passed the outgoing chain. What it withholds counts as handed over;
   * the gate gives it to `ClientSession.release` later, or drops it where that loses nothing. It may release what it withheld before it answers.
   * It must not change the stanza, which others may share.
   */
  withholds(stanza: Stanza): boolean
  /** The client has come back on another stream (XEP-0198 §5), and has been told what it missed of what was written. */
  resumed(): void
}
