/**
 * Run by redirects.test.ts on Bun and Deno: sends requests with a credential to an upstream, and prints the result of
 * each.
 */

import process from 'node:process'
import { apiKey, type Credential, createAzureClient, tokenCredential } from '../../src/index.ts'

const [endpoint = '', queries = '[]'] = process.argv.slice(2)
const credentials: readonly Credential[] = [
  apiKey('a-secret-key'),
  tokenCredential(async () => 'a-secret-token'),
]

const outcomes: unknown[] = []
for (const query of JSON.parse(queries)) {
  for (const credential of credentials) {
    const client = createAzureClient({ endpoint, credential })
    for (const method of ['GET', 'POST']) {
      const outcome = await client.request({ method, path: '/models', query }).then(
        ({ status }) => status,
        (error) => error.code,
      )
      outcomes.push(outcome)
    }
  }
}
process.stdout.write(JSON.stringify(outcomes))
