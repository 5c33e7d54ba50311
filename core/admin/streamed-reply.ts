/** Answers that are streamed, such as exports. */
import { Readable } from 'node:stream'
import type { Logger, StreamedReply } from '@beaconfire/plugin-sdk'
import type { FastifyReply } from 'fastify'

export function isStreamedReply(result: unknown): result is StreamedReply {
  return typeof result === 'object' && result !== null && 'stream' in result && result.stream instanceof Readable && 'contentType' in result
}

/**
 * Fastify pipes the stream, destroys it when the client goes away, and cuts the connection when it fails after the first
 * byte: a client must not take half an export for a whole one.
 */
export function sendStream(reply: FastifyReply, { contentType, fileName, stream }: StreamedReply, log: Logger): FastifyReply {
  stream.once('error', (error) => {
    if (reply.raw.headersSent) log.error({ route: reply.request.routeOptions.url, error }, 'a streamed answer broke off')
  })
  reply.type(contentType)
  if (fileName !== undefined) reply.header('content-disposition', attachment(fileName))
  return reply.send(stream)
}

/** RFC 6266: a plain name for all, and the exact one in UTF-8. No separator, quote or control character gets through. */
export function attachment(fileName: string): string {
  const plain = fileName.replace(/[^\w.-]/g, '_').replace(/^\.+/, '') || 'download'
  const exact = encodeURIComponent(fileName.replace(/[\p{Cc}\p{Cs}/\\]/gu, '_')).replace(
    /['()*]/g,
    (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return plain === fileName ? `attachment; filename="${plain}"` : `attachment; filename="${plain}"; filename*=UTF-8''${exact}`
}
