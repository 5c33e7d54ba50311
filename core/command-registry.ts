/** The ad-hoc commands of all running plugins (XEP-0050), by node. */
import type { Command } from '@beaconfire/plugin-sdk'
import { ContributionConflict, type PluginRank } from './plugin-host/registries.js'

export class CommandRegistry {
  readonly #commands = new Map<string, { readonly plugin: string; readonly command: Command }>()

  /** @returns the undo @throws ContributionConflict when the node is another command's */
  add(plugin: string, command: Command): () => void {
    const rival = this.#commands.get(command.node)
    if (rival) throw new ContributionConflict(`the command "${command.node}" is plugin ${rival.plugin}'s already`)
    const added = { plugin, command }
    this.#commands.set(command.node, added)
    return () => {
      if (this.#commands.get(command.node) === added) this.#commands.delete(command.node)
    }
  }

  arrange(rank: PluginRank): void {
    const inOrder = [...this.#commands].sort(([, a], [, b]) => rank(a.plugin) - rank(b.plugin))
    this.#commands.clear()
    for (const [node, it] of inOrder) this.#commands.set(node, it)
  }

  readonly find = (node: string): Command | undefined => this.#commands.get(node)?.command

  /** In order of adding, until plugins are arranged. */
  readonly list = (): readonly Command[] => [...this.#commands.values()].map((it) => it.command)
}
