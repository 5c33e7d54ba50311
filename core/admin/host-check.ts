/** A page in an administrator's browser can let its own name resolve to loopback (DNS rebinding): such a request bears that name in `Host`. */
const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]']

/** @returns undefined when the listener is not bound to loopback, and so is meant to be reached under any name */
export function hostCheck(boundTo: string, domain: string | undefined): ((host: string | undefined) => boolean) | undefined {
  const isLocal = LOOPBACK_HOSTS.includes(boundTo) || boundTo === '::1' || boundTo.startsWith('127.')
  if (!isLocal) return undefined
  const names = new Set([...LOOPBACK_HOSTS, boundTo.toLowerCase()])
  if (domain) names.add(domain.toLowerCase())
  return (host) => host !== undefined && names.has(host.toLowerCase().replace(/:\d{1,5}$/, ''))
}
