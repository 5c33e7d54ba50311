/** CPU time and memory of a process and its children, and of the whole machine, from `/proc`. */
import { readdirSync, readFileSync } from 'node:fs'

/** Ticks a second in `/proc`: 100 on every Linux that Node runs on. */
const TICKS = 100

export interface Memory {
  /** Pages shared between processes count once for each. */
  readonly residentKib: number
  /** Pages shared between processes are split; 0 where the kernel does not say. */
  readonly proportionalKib: number
}

/** False where there is no `/proc`: then only wall figures can be had. */
export function hasProcessFigures(): boolean {
  return read('/proc/self/stat') !== undefined
}

/** User and system seconds of the tree so far, ended children included. @throws when the process is gone */
export function treeCpuSeconds(root: number): number {
  let ticks = 0
  for (const pid of treeOf(root)) {
    const fields = statFields(pid)
    if (!fields) {
      if (pid === root) throw new Error(`the server (pid ${root}) does not run any more`)
      continue
    }
    // utime, stime, cutime, cstime (proc(5)), counted from the field after the command's name
    for (const field of fields.slice(11, 15)) ticks += Number(field)
  }
  return ticks / TICKS
}

export function treeMemory(root: number): Memory {
  let residentKib = 0
  let proportionalKib = 0
  for (const pid of treeOf(root)) {
    residentKib += Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0)
    proportionalKib += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1] ?? 0)
  }
  return { residentKib, proportionalKib }
}

/** Seconds all cores were busy or stolen so far. */
export function machineBusySeconds(): number {
  const line = (read('/proc/stat') ?? '').split('\n', 1)[0] ?? ''
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.trim().split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softirq + steal) / TICKS
}

/** The root and all below it; without `/proc` the root alone. */
function treeOf(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    const parent = Number.isInteger(pid) ? Number(statFields(pid)?.[1]) : Number.NaN
    if (!Number.isInteger(parent)) continue
    const siblings = children.get(parent)
    if (siblings) siblings.push(pid)
    else children.set(parent, [pid])
  }
  const tree = [root]
  for (let at = 0; at < tree.length; at++) tree.push(...(children.get(tree[at] ?? root) ?? []))
  return tree
}

/** Fields of `/proc/<pid>/stat` from the state on: the command's name before it may hold blanks. */
function statFields(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** @returns undefined when the process has ended or is not ours to look at */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined
  }
}
