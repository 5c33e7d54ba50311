/** Which cores server and generator stay on: apart, so that neither takes the other's time. */
import { availableParallelism } from 'node:os'
import { isInstalled } from '../servers/installed-version.js'

export interface Placement {
  readonly server?: number
  readonly generator?: number
}

/** `none`, or two cores as `server,generator`; cores 0 and 1 unless given, where there are two and taskset can be used. */
export function placementOf(option: string | undefined): Placement {
  if (option === 'none') return {}
  const canPin = isInstalled('taskset') && availableParallelism() > 1
  if (option === undefined) return canPin ? { server: 0, generator: 1 } : {}
  const [server, generator] = option.split(',').map(Number)
  if (!Number.isInteger(server) || !Number.isInteger(generator)) throw new RangeError(`--pin takes two cores as in 0,1, or none; not ${option}`)
  if (!canPin) throw new RangeError('--pin needs taskset and two cores')
  return { server, generator }
}
