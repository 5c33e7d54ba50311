/** The rehearsal: each recorded stanza goes to both versions, and what they make of it is compared. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../config/load-config.js'
import type { ServerConfig } from '../../config/server-config.js'
import { openChatLog } from './chat-log.js'
import { type Difference, type DifferenceKind, differencesOf } from './compare.js'
import { findVersions } from './find-versions.js'
import type { Passage, PassageOutcome } from './passage.js'
import { openReadOnly } from './read-only-database.js'
import { openRecording } from './recording-file.js'
import { RehearsalImpossible, type RehearsalOptions } from './rehearsal-options.js'
import type { ErrorReport, RehearsalReport } from './report.js'
import type { LoadedVersion } from './version-messages.js'
import { VersionProcess } from './version-process.js'

/** Stanzas that are on their way to the versions at the same time. */
const TAKEN_AT_ONCE = 32

interface StanzaSource {
  readonly description: string
  /** Of the server that the stanzas are from. */
  readonly domain: string
  readonly passages: AsyncIterable<Passage>
  readonly notes: readonly string[]
  /** Rows that are no stanza. */
  unreadable(): number
  close(): Promise<void>
}

/** @throws RehearsalImpossible, ConfigError */
export async function runRehearsal(options: RehearsalOptions, env: NodeJS.ProcessEnv): Promise<RehearsalReport> {
  const config = loadConfig({ env })
  const cache = await mkdtemp(join(tmpdir(), 'beaconfire-rehearsal-'))
  try {
    const versions = await findVersions(options, config, cache)
    const source = await openSource(options, config, versions.name)
    try {
      return await rehearseWith(source, versions, options, { config, cache, env })
    } finally {
      await source.close()
    }
  } finally {
    await rm(cache, { recursive: true, force: true })
  }
}

interface Surroundings {
  readonly config: ServerConfig
  readonly cache: string
  readonly env: NodeJS.ProcessEnv
}

async function rehearseWith(
  source: StanzaSource,
  { name, old, changed, pluginFolders }: Awaited<ReturnType<typeof findVersions>>,
  options: RehearsalOptions,
  { config, cache, env }: Surroundings,
): Promise<RehearsalReport> {
  const { admins, database, dataFolder, limits, plugins } = config
  const request = {
    name,
    cache,
    pluginFolders,
    domain: source.domain,
    admins,
    limitsEnabled: limits.enabled,
    settings: plugins.settings,
    database: options.readsDatabase ? { config: database, dataFolder } : undefined,
  }
  const processes = {
    old: new VersionProcess(`the present version of plugin "${name}"`, options.timeoutMs, env),
    new: new VersionProcess(`the changed version of plugin "${name}"`, options.timeoutMs, env),
  }
  try {
    const [oldLoaded, newLoaded] = await both(processes.old.load({ ...request, source: old }), processes.new.load({ ...request, source: changed }))
    const tally = new Tally(options.differences)
    await runThrough(source, processes, tally, options.limit)
    const [oldEnd, newEnd] = await both(processes.old.end(), processes.new.end())
    const names = [...new Set([...oldLoaded.interceptors, ...newLoaded.interceptors])]
    const called = names.filter((it) => oldEnd.times[it] || newEnd.times[it])
    return {
      plugin: name,
      old: { ...reported(oldLoaded), denied: oldEnd.denied },
      new: { ...reported(newLoaded), denied: newEnd.denied },
      source: source.description,
      ...tally.result(),
      unreadable: tally.unreadable + source.unreadable(),
      notes: [
        ...source.notes,
        ...tally.notes(),
        ...oldLoaded.notes.map((it) => `old version: ${it}`),
        ...newLoaded.notes.map((it) => `new version: ${it}`),
      ],
      times: Object.fromEntries(called.map((it) => [it, { old: oldEnd.times[it], new: newEnd.times[it] }])),
    }
  } finally {
    await Promise.all([processes.old.kill(), processes.new.kill()])
  }
}

async function runThrough(
  { passages }: StanzaSource,
  processes: { readonly old: VersionProcess; readonly new: VersionProcess },
  tally: Tally,
  limit: number,
): Promise<void> {
  for await (const chunk of chunksOf(passages, limit, tally)) {
    // Asked together, so that neither process waits for the way of an answer; they are answered in order.
    const answers = await Promise.all(chunk.map((it) => both(processes.old.take(it), processes.new.take(it))))
    for (const [index, [old, changed]] of answers.entries()) {
      if ('unreadable' in old || 'unreadable' in changed) tally.unreadable++
      else tally.add(chunk[index] as Passage, old.outcome, changed.outcome)
    }
  }
  if (tally.stanzas === 0) throw new RehearsalImpossible('there is no stanza to run through the versions: is it the right recording, or time?')
}

async function* chunksOf(passages: AsyncIterable<Passage>, limit: number, tally: Tally): AsyncGenerator<Passage[]> {
  let taken = 0
  let chunk: Passage[] = []
  for await (const passage of passages) {
    if (taken++ >= limit) {
      tally.isCut = true
      break
    }
    chunk.push(passage)
    if (chunk.length < TAKEN_AT_ONCE) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

/** Both settle before the first failure is told: nothing is left under way. */
async function both<Old, New>(old: Promise<Old>, changed: Promise<New>): Promise<[Old, New]> {
  await Promise.allSettled([old, changed])
  return Promise.all([old, changed])
}

class Tally {
  stanzas = 0
  unreadable = 0
  isCut = false
  readonly #mostShown: number
  readonly #shown: Difference[] = []
  readonly #counts: Record<DifferenceKind, number> = { verdict: 0, rewrite: 0, error: 0, acts: 0 }
  readonly #errors = new Map<string, { -readonly [Key in keyof ErrorReport]: ErrorReport[Key] }>()
  #differing = 0
  #withoutBodies = 0

  constructor(mostShown: number) {
    this.#mostShown = mostShown
  }

  add(passage: Passage, old: PassageOutcome, changed: PassageOutcome): void {
    this.stanzas++
    if (!passage.hasBodies) this.#withoutBodies++
    const differences = differencesOf(passage, old, changed)
    if (differences.length > 0) this.#differing++
    for (const it of differences) {
      this.#counts[it.kind]++
      if (this.#shown.length < this.#mostShown) this.#shown.push(it)
    }
    this.#addErrors('old', passage, old)
    this.#addErrors('new', passage, changed)
  }

  notes(): string[] {
    const notes: string[] = []
    if (this.isCut) notes.push(`only the first ${this.stanzas} stanzas were taken; --limit takes more`)
    if (this.#withoutBodies > 0) {
      notes.push(`${this.#withoutBodies} stanzas were recorded without texts: interceptors that read texts cannot be judged by them`)
    }
    return notes
  }

  result() {
    return {
      stanzas: this.stanzas,
      differing: this.#differing,
      counts: this.#counts,
      differences: this.#shown,
      errors: [...this.#errors.values()],
    }
  }

  #addErrors(version: 'old' | 'new', { id }: Passage, { stages }: PassageOutcome): void {
    for (const error of stages.flatMap((it) => it.errors)) {
      const known = this.#errors.get(`${version} ${error}`)
      if (known) known.count++
      // An error whose message differs each time must not fill the memory.
      else if (this.#errors.size < 1000) this.#errors.set(`${version} ${error}`, { version, error, count: 1, stanza: id })
    }
  }
}

function reported({ version, folder, interceptors }: LoadedVersion) {
  return { version, folder, interceptors }
}

async function openSource({ source }: RehearsalOptions, config: ServerConfig, plugin: string): Promise<StanzaSource> {
  if ('recording' in source) {
    const recording = await openRecording(source.recording, plugin)
    return {
      description: `recording ${source.recording}`,
      domain: recording.domain,
      passages: recording.passages(),
      notes: [],
      unreadable: () => 0,
      close: async () => undefined,
    }
  }
  const { database, close } = await openReadOnly(config)
  let unreadable = 0
  try {
    const { domain } = config
    const passages = await openChatLog(database.knex, { ...source, domain, onUnreadable: () => unreadable++ })
    const notes = ['the chat log has messages as they were handed over: what the plugins of then made of them is in them']
    return { description: 'the chat log', domain, passages, notes, unreadable: () => unreadable, close }
  } catch (error) {
    await close()
    throw error
  }
}
