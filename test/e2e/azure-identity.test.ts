/**
 * The credentials of `@azure/identity` are accepted by the compiler and work over HTTP.
 */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  AzureCliCredential,
  ChainedTokenCredential,
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  EnvironmentCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from '@azure/identity'
import { expect, it, onTestFinished, vi } from 'vitest'
import { tokenCredential } from '../../src/index.ts'
import { openHarness } from '../lib/harness.ts'

/** Never called: that it compiles is what counts. */
export const taken = (theirs: TokenCredential) =>
  [
    theirs,
    new AzureCliCredential(),
    new ChainedTokenCredential(theirs),
    new ClientAssertionCredential('t', 'c', async () => 'a'),
    new ClientCertificateCredential('t', 'c', '/app.pem'),
    new ClientSecretCredential('t', 'c', 's'),
    new DefaultAzureCredential(),
    new EnvironmentCredential(),
    new WorkloadIdentityCredential({ tenantId: 't', clientId: 'c', tokenFilePath: '/token' }),
  ].map((credential) => tokenCredential(credential))

it('a credential of @azure/identity authenticates upstream requests, and is asked for one token', async () => {
  const asked: URL[] = []
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '/', 'http://localhost'))
    const expires_on = String(Math.floor(Date.now() / 1000) + 3600)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ access_token: 'theirs', token_type: 'Bearer', expires_on }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${port}/msi/token`)
  vi.stubEnv('IDENTITY_HEADER', 'hush')
  onTestFinished(() => {
    vi.unstubAllEnvs()
    server.close()
  })
  const seen: (string | null)[] = []
  const gateway = openHarness({
    now: () => Math.floor(Date.now() / 1000),
    upstreams: [
      {
        endpoint: 'https://res.openai.azure.com',
        credential: tokenCredential(new ManagedIdentityCredential()),
        fetch: async (_, init) => {
          seen.push(new Headers(init?.headers).get('authorization'))
          return Response.json({ object: 'list', data: [] })
        },
      },
    ],
  })
  for (const _ of [1, 2]) expect((await gateway.ask('/v1/models')).status).toBe(200)
  expect(seen).toEqual(['Bearer theirs', 'Bearer theirs'])
  expect(asked.map(({ searchParams }) => searchParams.get('resource'))).toEqual([
    'https://cognitiveservices.azure.com',
  ])
})
