/**
 * An app registration and its secret.
 *
 * @module
 */

import type { Credential } from '../credentials.ts'
import { type App, appCredential } from './app.ts'

/** Options of {@link clientSecret}. */
export interface ClientSecretOptions extends App {
  readonly clientSecret: string
}

/** Signs in as an app with its secret. */
export function clientSecret({ clientSecret: secret, ...app }: ClientSecretOptions): Credential {
  return appCredential('client secret', app, async () => ({ client_secret: secret }))
}
