/** Timers that go on while a {@link VirtualClock} stands still: how long a test waits for a peer is no part of what it tests. */
export const realSetTimeout = globalThis.setTimeout
export const realClearTimeout = globalThis.clearTimeout
