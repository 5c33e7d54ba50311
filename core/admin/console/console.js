/** What pages of plugins import: calls of the admin API as the administrator who has logged in. */

/** The admin API's refusal: `message` for people, `status` and `code` for programs, `field` where one was wrong. */
export class ApiError extends Error {
  constructor(status, { code, message, field }) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.field = field
  }
}

/**
 * @param {string} path such as `/api/v1/plugins/hello/status`
 * @param {{ method?: string, json?: unknown, signal?: AbortSignal }} options `json` is the body
 * @returns {Promise<any>} what the answer's JSON holds; a text where it is none; undefined where it is empty
 * @throws {ApiError} (rejects) for a refusal. Who is not logged in any more is led to the login, and back
 */
export async function api(path, { method = 'GET', json, signal } = {}) {
  const headers = {}
  if (json !== undefined) headers['content-type'] = 'application/json'
  // Asked for each time: another tab may have logged in anew.
  if (method !== 'GET') headers['x-csrf-token'] = (await call('/console/session', { signal })).csrfToken
  return call(path, { method, headers, body: json === undefined ? undefined : JSON.stringify(json), signal })
}

async function call(path, init) {
  const answer = await fetch(path, init)
  const isJson = answer.headers.get('content-type')?.includes('json') ?? false
  if (answer.ok) return answer.status === 204 ? undefined : isJson ? answer.json() : answer.text()
  if (answer.status === 401) location.assign(`/console/login?next=${encodeURIComponent(location.pathname + location.search)}`)
  throw new ApiError(answer.status, isJson ? await answer.json() : { message: answer.statusText })
}
