/**
 * What V8 took for the start, given back before the server says that it is ready: a quarter of the memory of a server at rest. V8 does
 * that by itself after some twenty seconds of rest, which a server that is used may never have.
 */
import { Session } from 'node:inspector/promises'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/**
 * Half of the young generation, in MB: V8 would let it grow to 16. What sessions hold passes through it once; whatever is larger than the
 * caches of the processor gains next to nothing. Not for ever: with a thread that is started, V8 takes its own growth again.
 */
const SEMI_SPACE_MB = 10
/** Old objects may become three times as many before all are looked at again, as if there had been no collection, in percent more. */
const GROWTH_PERCENT = 200
/** What is allocated at most to make the young generation grow; some hundreds are enough. */
const MOST_FILLERS = 10_000

/** Takes some 80 ms, in which nothing else runs. */
export async function giveBackStartMemory(): Promise<void> {
  // A collection as when memory is short. The inspector has the only way to ask for it that needs no flag at the start.
  const session = new Session()
  session.connect()
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
  await session.post('HeapProfiler.collectGarbage')
  setFlagsFromString('--heap-growing-percent=0')
  session.disconnect()
  setYoungGeneration()
}

/**
 * By itself it would begin with 1 MB and be doubled each time that much survives: the first thousand logins and messages would pay for
 * that. Its size is address space, which takes memory when it is used.
 */
function setYoungGeneration(): void {
  setFlagsFromString(`--semi-space-growth-factor=${SEMI_SPACE_MB}`)
  const before = youngGeneration()
  const fillers: unknown[] = []
  while (youngGeneration() === before && fillers.length < MOST_FILLERS) fillers.push(new Array(64).fill(0))
  setFlagsFromString('--semi-space-growth-factor=1')
}

function youngGeneration(): number | undefined {
  return getHeapSpaceStatistics().find((it) => it.space_name === 'new_space')?.space_size
}
