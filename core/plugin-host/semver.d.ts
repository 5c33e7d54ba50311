/** The part of semver that is used; it ships no types of its own. */
declare module 'semver' {
  export function satisfies(version: string, range: string, options?: { readonly includePrerelease?: boolean }): boolean
  /** @returns null when it is no range */
  export function validRange(range: string): string | null
}
