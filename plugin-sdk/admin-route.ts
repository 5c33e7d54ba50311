/** Routes that a plugin adds to the admin API. Core authenticates, validates, audits every write, and documents them. */
import type { Readable } from 'node:stream'
import type { Static, TSchema } from 'typebox'

export interface AdminRequest<Params extends TSchema = TSchema, Query extends TSchema = TSchema, Body extends TSchema = TSchema> {
  readonly params: Static<Params>
  readonly query: Static<Query>
  readonly body: Static<Body>
  /** Who calls, as it stands in the audit log; '' for a public document. */
  readonly administrator: string
}

/** A streamed answer, such as an export. */
export interface StreamedReply {
  readonly contentType: string
  /** Suggested file name for a download. */
  readonly fileName?: string
  readonly stream: Readable
}

export interface AdminRoute<Params extends TSchema = TSchema, Query extends TSchema = TSchema, Body extends TSchema = TSchema> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api/v1/plugins/<plugin>`, or below `/api/v1` when {@link topLevel}; parameters as `:name`. */
  readonly path: `/${string}`
  /** For a resource of the product itself, such as `/chatlogs`. A path that is taken is an error of the plugin. */
  readonly topLevel?: boolean
  /**
   * A public document below `/.well-known` instead (RFC 8615), such as `/host-meta`: anybody may GET it without a token, also pages of
   * other sites in a browser. `administrator` is '' then.
   */
  readonly wellKnown?: boolean
  /** One line for the API's documentation. */
  readonly summary: string
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  /** The body is a file instead: `request.body` is its bytes, of type `application/octet-stream` or `application/gzip`. */
  readonly upload?: { readonly maxBytes: number }
  /** Shape of the answer; fields it does not name are not sent. */
  readonly response?: TSchema
  /** What the answer is sent with; 200 unless given, 204 when nothing is returned. */
  readonly status?: number
  /** @throws AdminError for an expected refusal */
  handle(request: AdminRequest<Params, Query, Body>): Promise<unknown> | unknown
}

/** Keeps the types of params, query and body together with their schemas. */
export function adminRoute<Params extends TSchema, Query extends TSchema, Body extends TSchema>(route: AdminRoute<Params, Query, Body>): AdminRoute {
  return route as unknown as AdminRoute
}

/** An expected refusal of an admin call: becomes `{ statusCode, code, message, field? }`. */
export class AdminError extends Error {
  override readonly name = 'AdminError'
  constructor(
    readonly statusCode: 400 | 403 | 404 | 409 | 413 | 422 | 503,
    readonly code: string,
    message: string,
    readonly field?: string,
  ) {
    super(message)
  }
}
