/**
 * An app registration that trusts somebody else's tokens: Kubernetes, GitHub, or whoever runs the edge.
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import type { Credential, Means } from '../credentials.ts'
import { type App, appCredential, assertionFields } from './app.ts'

/** Options of {@link workloadIdentity}. */
export interface WorkloadIdentityOptions extends App {
  /** A token that the app trusts, asked for each time anew. */
  readonly assertion: (means: Means) => Promise<string>
}

/** Signs in as an app with a token of an issuer that it trusts. */
export function workloadIdentity({ assertion, ...app }: WorkloadIdentityOptions): Credential {
  return appCredential('workload identity', app, async (_url, call) =>
    assertionFields(await assertion(call)),
  )
}

/** The assertion in a file, which is read each time: Kubernetes writes another one into it now and then. */
export function tokenFile(path: string): (means: Means) => Promise<string> {
  return async ({ readFile }) => {
    if (readFile === undefined) {
      throw unreadable(
        'This runtime has no files, so AZURE_FEDERATED_TOKEN_FILE is of no use here.',
      )
    }
    const text = await readFile(path).catch((cause) => {
      throw unreadable('The file in AZURE_FEDERATED_TOKEN_FILE could not be read.', cause)
    })
    return text.trim()
  }
}

function unreadable(message: string, cause?: unknown): CfileError {
  const hint =
    'Set AZURE_FEDERATED_TOKEN_FILE to a file that this process may read, or sign in with AZURE_CLIENT_SECRET or AZURE_OPENAI_API_KEY.'
  return new CfileError('upstream_auth', message, { hint, cause })
}
