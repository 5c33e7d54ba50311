/** Which SASL mechanisms are enabled by configuration, in the order they are offered. */
import type { ServerConfig } from '../config/server-config.js'
import { anonymous } from './mechanisms/anonymous.js'
import { external } from './mechanisms/external.js'
import { plain } from './mechanisms/plain.js'
import { scramSha1, scramSha1Plus } from './mechanisms/scram-sha-1.js'
import { scramSha256, scramSha256Plus } from './mechanisms/scram-sha-256.js'
import type { SaslMechanism } from './sasl-mechanism.js'

/** The name of the mechanism whose users have no account. */
export const ANONYMOUS = anonymous.name

/** @param withSha256 false where some accounts have no keys for it */
export function enabledMechanisms(
  { anonymous: isAnonymousEnabled, channelBinding, saslMechanisms, tlsClientCa }: ServerConfig['c2s'],
  withSha256: boolean,
): readonly SaslMechanism[] {
  const possible = [
    ...(tlsClientCa === undefined ? [] : [external]),
    ...(channelBinding ? (withSha256 ? [scramSha256Plus, scramSha1Plus] : [scramSha1Plus]) : []),
    ...(withSha256 ? [scramSha256, scramSha1] : [scramSha1]),
    plain,
    ...(isAnonymousEnabled ? [anonymous] : []),
  ]
  return saslMechanisms ? possible.filter(({ name }) => saslMechanisms.includes(name)) : possible
}
