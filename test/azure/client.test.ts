import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/azure/credentials.ts'
import { parseEndpoint } from '../../src/azure/endpoint.ts'
import { tokenCredential } from '../../src/azure/entra/tokens.ts'
import { HandshakeRefused } from '../../src/core/errors.ts'
import { type Connect, createSocketPair } from '../../src/core/http/websocket.ts'
import { apiKey } from '../../src/index.ts'
import { createAzureClient } from '../../src/library/azure-client.ts'
import { createClock } from './clock.ts'
import { type Answer, type Sent, scriptRuntime } from './scripted-runtime.ts'

const endpoint = 'https://res.openai.azure.com/openai/v1'

function asking(answer: Answer, credential: Credential = apiKey('a-secret-key')) {
  const clock = createClock()
  const runtime = scriptRuntime(clock, answer)
  return {
    clock,
    sent: runtime.sent,
    client: createAzureClient({ ...runtime, endpoint, credential }),
  }
}

/** A credential that returns `token-1`, `token-2` and so on, and counts its calls. */
function tokens() {
  let count = 0
  const credential = tokenCredential({
    async getToken() {
      count += 1
      return { token: `token-${count}`, expiresOnTimestamp: (1_790_000_000 + 3600) * 1000 }
    },
  })
  return { credential, asked: () => count }
}

const bearerOf = ({ headers }: Sent) => headers.get('authorization')
const takesOnly = (token: string) => (sent: Sent) =>
  new Response(null, { status: bearerOf(sent) === `Bearer ${token}` ? 200 : 401 })

describe('the key', () => {
  it('goes only to the configured endpoint, for any path', async () => {
    const { client, sent } = asking(() => Response.json({}))
    const hostile = [
      '//evil.example/',
      '/../../evil',
      '/..%2f..%2fevil',
      '/%2e%2e/%2E%2E/x',
      '/a\\b',
      '/a#b',
      '/a?b=c',
      '@evil.example/',
      'https://evil.example/',
      '/.%2e/%252e%252e/x',
      '/a\r\nhost: evil.example',
    ]
    for (const path of hostile) {
      await expect(client.request({ method: 'GET', path }), path).rejects.toMatchObject({
        code: 'invalid_request',
      })
    }
    expect(sent).toEqual([])
  })

  it('is not replaced by a header of the caller', async () => {
    const { client, sent } = asking(() => Response.json({}))
    const headers = {
      'api-key': 'theirs',
      authorization: 'Bearer theirs',
      cookie: 'a=b',
      host: 'evil.example',
      'proxy-authorization': 'Basic eDp5',
    }
    await client.request({ method: 'GET', path: '/models', headers })
    expect(sent[0]?.headers.get('api-key')).toBe('a-secret-key')
    for (const name of ['authorization', 'cookie', 'proxy-authorization']) {
      expect(sent[0]?.headers.get(name), name).toBeNull()
    }
    expect(sent[0]?.url.host).toBe('res.openai.azure.com')
  })

  it('appears in no error', async () => {
    const { client, clock } = asking(() => Promise.reject(new TypeError('fetch failed')))
    const failure = await clock.settle(
      client.request({ method: 'GET', path: '/models' }).catch((error) => error),
    )
    expect(failure).toMatchObject({ code: 'upstream_error', status: 502 })
    expect(JSON.stringify([failure.message, failure.details])).not.toContain('a-secret-key')
  })
})

describe('a token that is refused', () => {
  it('is replaced, and the request is sent once more', async () => {
    const { credential, asked } = tokens()
    const { client, sent } = asking(takesOnly('token-2'), credential)
    expect((await client.request({ method: 'GET', path: '/models' })).status).toBe(200)
    expect(sent.map(bearerOf)).toEqual(['Bearer token-1', 'Bearer token-2'])
    expect(asked()).toBe(2)
  })

  it('is replaced once for fifty simultaneous requests', async () => {
    const { credential, asked } = tokens()
    const { client, sent } = asking(takesOnly('token-2'), credential)
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.request({ method: 'GET', path: '/models' })),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(asked()).toBe(2)
    expect(sent.length).toBe(100)
  })

  it('is not replaced again if a role is missing', async () => {
    const { credential, asked } = tokens()
    const { client, sent } = asking(() => new Response(null, { status: 401 }), credential)
    for (let i = 0; i < 10; i += 1) {
      expect((await client.request({ method: 'GET', path: '/models' })).status).toBe(401)
    }
    // One for each of the two scopes, and one more in case the first was revoked.
    expect(asked()).toBe(3)
    expect(sent.length).toBe(12)
  })

  it('repeats a POST whose body is in memory, but not one whose body was streamed', async () => {
    const { credential } = tokens()
    const { client, sent } = asking(takesOnly('token-2'), credential)
    const post = { method: 'POST', path: '/responses' }
    expect((await client.request({ ...post, body: '{"a":1}' })).status).toBe(200)
    expect(sent.map(({ body }) => body)).toEqual(['{"a":1}', '{"a":1}'])
    const fresh = tokens()
    const other = asking(takesOnly('token-2'), fresh.credential)
    const body = new Response('{"a":1}').body
    expect((await other.client.request({ ...post, body })).status).toBe(401)
    expect(other.sent.length).toBe(1)
  })

  it('is not renewed if the credential has no other value, and the refusal is returned', async () => {
    const { client, sent } = asking(() => new Response(null, { status: 401 }))
    expect((await client.request({ method: 'GET', path: '/models' })).status).toBe(401)
    expect(sent.length).toBe(1)
  })
})

describe('an endpoint that accepts the other scope', () => {
  const ofProjects = 'https://ai.azure.com/.default'
  const ofResources = 'https://cognitiveservices.azure.com/.default'
  const scoped: Credential = {
    kind: 'test',
    authorize: async (scope) => ({ name: 'authorization', value: `Bearer ${scope}` }),
  }

  it.each([
    ['a resource', endpoint, ofResources, ofProjects],
    ['a project', 'https://res.services.ai.azure.com/api/projects/p', ofProjects, ofResources],
  ])('%s: the other scope is tried once after a 401, and kept', async (_, url, usual, other) => {
    const runtime = scriptRuntime(createClock(), takesOnly(other))
    const client = createAzureClient({ ...runtime, endpoint: url, credential: scoped })
    for (let i = 0; i < 3; i += 1) {
      expect((await client.request({ method: 'GET', path: '/models' })).status).toBe(200)
    }
    const scopes = runtime.sent.map((sent) => bearerOf(sent)?.slice('Bearer '.length))
    expect(scopes).toEqual([usual, other, other, other])
  })

  it('is tried with the other scope after a refused WebSocket handshake too, and it is kept', async () => {
    const seen: (string | undefined)[] = []
    const connect: Connect = async (_, { headers }) => {
      seen.push(headers.authorization?.slice('Bearer '.length))
      if (seen.at(-1) !== ofProjects) throw new HandshakeRefused(401)
      return createSocketPair()[0]
    }
    const runtime = scriptRuntime(createClock(), takesOnly(ofProjects))
    const client = createAzureClient({ ...runtime, connect, endpoint, credential: scoped })
    for (let i = 0; i < 2; i += 1) await client.connect({ path: '/responses' })
    expect((await client.request({ method: 'GET', path: '/models' })).status).toBe(200)
    expect(seen).toEqual([ofResources, ofProjects, ofProjects])
    expect(runtime.sent.length).toBe(1)
  })

  it('is tried with the other scope in the next request when an upload cannot be repeated', async () => {
    const runtime = scriptRuntime(createClock(), takesOnly(ofProjects))
    const client = createAzureClient({ ...runtime, endpoint, credential: scoped })
    const upload = () =>
      client.request({ method: 'POST', path: '/files', body: new Blob(['x']).stream() })
    expect([(await upload()).status, (await upload()).status]).toEqual([401, 200])
  })

  it('is not tried with another scope once a scope has worked', async () => {
    let isRefused = false
    const runtime = scriptRuntime(
      createClock(),
      () => new Response(null, { status: isRefused ? 401 : 200 }),
    )
    const client = createAzureClient({ ...runtime, endpoint, credential: scoped })
    await client.request({ method: 'GET', path: '/models' })
    isRefused = true
    expect((await client.request({ method: 'GET', path: '/models' })).status).toBe(401)
    expect(runtime.sent.length).toBe(2)
  })

  it('is not tried with another scope if AZURE_OPENAI_SCOPE is set', async () => {
    const runtime = scriptRuntime(createClock(), takesOnly(ofProjects))
    const own = parseEndpoint(endpoint, { scope: ofResources })
    const client = createAzureClient({ ...runtime, endpoint: own, credential: scoped })
    expect((await client.request({ method: 'GET', path: '/models' })).status).toBe(401)
    expect(runtime.sent.length).toBe(1)
  })
})

describe('a Foundry hosted agent as endpoint', () => {
  const project = 'https://res.services.ai.azure.com/api/projects/p'
  const agent = `${project}/agents/helper/endpoint/protocols/openai`

  it.each([
    agent,
    `${agent}/`,
    `${agent}/responses?api-version=v1`,
    `${project}/agents/helper/endpoint`,
  ])('is read from %s', async (pasted) => {
    const { client, sent } = (() => {
      const runtime = scriptRuntime(createClock(), () => Response.json({}))
      const credential = apiKey('k')
      return {
        sent: runtime.sent,
        client: createAzureClient({ ...runtime, endpoint: pasted, credential }),
      }
    })()
    for (const path of [
      '/responses',
      '/responses/resp_1',
      '/conversations',
      '/containers/cntr_1',
    ]) {
      await client.request({ method: 'GET', path })
    }
    expect(client.endpoint.scope).toBe('https://ai.azure.com/.default')
    // An api-version in the pasted URL is used for the project too.
    const hrefs = sent.map(({ url }) => url.href.replace(/(containers.*)\?.*/, '$1'))
    expect(hrefs).toEqual([
      `${agent}/responses?api-version=v1`,
      `${agent}/responses/resp_1?api-version=v1`,
      `${agent}/conversations?api-version=v1`,
      `${project}/openai/v1/containers/cntr_1`,
    ])
  })
})

describe('an answer of the upstream', () => {
  it('may leave out every field that is not needed', async () => {
    const row = { id: 'cfile_1', path: '/mnt/data/a.csv' }
    const answered: [RegExp, object][] = [
      [/\/files$/, { data: [row] }],
      [/\/files\/cfile_1$/, row],
      [/\/files\/file-1$/, { id: 'file-1', filename: 'a.csv' }],
      [/\/containers\/cntr_1$/, { id: 'cntr_1', status: 'running' }],
    ]
    const { client } = asking(({ url }) =>
      Response.json(answered.find(([path]) => path.test(url.pathname))?.[1]),
    )
    expect((await client.listContainerFiles('cntr_1')).data).toMatchObject([row])
    expect(await client.getContainerFile('cntr_1', 'cfile_1')).toMatchObject(row)
    expect((await client.getFile('file-1')).filename).toBe('a.csv')
    expect((await client.getContainer('cntr_1')).status).toBe('running')
  })
})

describe('the library’s client', () => {
  it('needs only an endpoint and a credential', () => {
    const client = createAzureClient({ endpoint, credential: apiKey('k') })
    expect(client.endpoint.base).toBe('https://res.openai.azure.com/openai/v1')
    expect(() =>
      createAzureClient({ endpoint: 'https://evil.example', credential: apiKey('k') }),
    ).toThrow('AZURE_OPENAI_ENDPOINT')
  })

  it('opens a file without a signal of the caller', async () => {
    const { client } = asking(() => new Response('bytes'))
    const { body } = await client.getContainerFileContent('cntr_1', 'cfile_1')
    expect(await new Response(body).text()).toBe('bytes')
  })
})
