/** Whether a program is installed, and which version. */
import { spawnSync } from 'node:child_process'

/** First line of what the command prints that matches; undefined when it cannot be run. */
export function outputOf(command: string, args: readonly string[], wanted: RegExp): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? (wanted.exec(stdout)?.[1] ?? wanted.exec(stdout)?.[0]) : undefined
}

/** Version of a Debian package. */
export function packageVersion(name: string): string | undefined {
  return outputOf('dpkg-query', ['-W', '-f', `\${Status} \${Version}`, name], /^install ok installed (.+)$/)
}

export function isInstalled(command: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0
}
