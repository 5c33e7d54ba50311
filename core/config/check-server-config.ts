/** Checks the server's configuration: each key by the schema, then those that hold only together. */
import { ConfigError, checkConfig, type Path } from './check-config.js'
import { type ServerConfig, serverConfigSchema } from './server-config.js'

/**
 * @param originOf names where the value at a path was written, for the message
 * @throws ConfigError
 */
export function checkServerConfig(tree: unknown, originOf: (path: Path) => string | undefined = () => undefined): ServerConfig {
  const config = checkConfig(serverConfigSchema, tree, '', originOf)
  const { passwordKeyDerivation, passwordSalt } = config.openfire
  if (passwordKeyDerivation === 'pbkdf2' && passwordSalt === undefined) {
    const origin = originOf(['openfire', 'passwordKeyDerivation'])
    throw new ConfigError([`openfire.passwordSalt: is required when openfire.passwordKeyDerivation is pbkdf2${origin ? ` (in ${origin})` : ''}`])
  }
  return config
}
