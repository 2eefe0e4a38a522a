/**
 * An app registration that trusts somebody else's tokens: Kubernetes, GitHub, or whoever runs the edge.
 *
 * @module
 */

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
