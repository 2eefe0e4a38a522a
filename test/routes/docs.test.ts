import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { routes } from '../../scripts/routes.ts'
import { openCallers } from '../lib/callers.ts'
import { errorCode, openHarness } from '../lib/harness.ts'

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}
interface Described {
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
}

async function read(): Promise<Document> {
  const { ask } = openHarness()
  return (await ask('/openapi.json')).json()
}

/** The routes of the app, as OpenAPI writes them. Without `HEAD`, which follows from `GET`, and without the OpenAI API. */
function routed(): string[] {
  const { app } = openHarness()
  const own = app.routes.filter(
    ({ method, path }) => method !== 'ALL' && !/^\/(?:openai|v1|api)(?:\/|$)/.test(path),
  )
  const paths = own.map(
    ({ method, path }) =>
      `${method} ${path
        .replace(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')
        .replace('/path/*', '/path/{path}')
        .replace(/(.)\/$/, '$1')}`,
  )
  return [...new Set(paths)].sort()
}

describe('/openapi.json', () => {
  it('describes every route that there is, so that no client is surprised by one', async () => {
    const { paths } = await read()
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described).toEqual(expect.arrayContaining(routed()))
  })

  it('serves every route that it describes', async () => {
    const webhooks = { secrets: ['whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'] }
    const { ask } = openCallers({ webhooks }).as('admin')
    const { paths } = await read()
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods).map((name) => name.toUpperCase())) {
        const isOpenai = path.startsWith('/openai/')
        const answer = await ask(path.replace(/\{\w+\}/g, isOpenai ? 'cfile_x' : 'x'), { method })
        // The file does not exist, so a route that is served answers with its own 404.
        if (isOpenai && method !== 'HEAD') expect(await errorCode(answer)).toBe('file_not_found')
        else if (!isOpenai) expect([404, 405], `${method} ${path}`).not.toContain(answer.status)
      }
    }
  })

  it('names each parameter of a path once, and refers to nothing that is not there', async () => {
    const document = await read()
    expect(document.openapi).toBe('3.1.0')
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { parameters } of Object.values(methods)) {
        const inPath = parameters.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`)
        expect(inPath).toEqual(path.match(/\{\w+\}/g) ?? [])
      }
    }
    for (const [, name = ''] of JSON.stringify(document).matchAll(
      /#\/components\/schemas\/(\w+)/g,
    )) {
      expect(document.components.schemas).toHaveProperty(name)
    }
  })

  it('describes HEAD beside GET where bytes are served', async () => {
    const { paths } = await read()
    expect(Object.keys(paths['/files/{file_id}'] ?? {})).toEqual(['get', 'head', 'delete'])
  })
})

describe('/docs', () => {
  it('lists every operation without a script if Swagger UI is not installed', async () => {
    const { ask } = openHarness({ answerDocs: async () => undefined })
    const answer = await ask('/docs')
    const page = await answer.text()
    for (const { method, path, summary } of routes) {
      expect(page).toContain(`<code>${method} ${path}`)
      expect(page).toContain(summary.replaceAll('"', '&quot;').replaceAll("'", '&#39;'))
    }
    expect(page).not.toMatch(/<script|src=|https?:|\son\w+=|\sstyle=/i)
    const [, nonce] = /<style nonce="([^"]+)">/.exec(page) ?? []
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    expect((await ask('/docs/swagger-ui.css')).status).toBe(404)
  })
})

describe('/', () => {
  it('shows name and version where the app is served alone, also below the path of its public URL', async () => {
    const { ask } = openHarness({ publicUrl: 'http://localhost/ai' })
    for (const path of ['/', '/ai']) {
      const answer = await ask(path)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toMatchObject({ name: 'cfile' })
    }
  })

  it("is the host's own where the app is mounted in another", async () => {
    const host = new Hono()
    host.route('/', openHarness().app)
    host.get('/', (c) => c.text('host'))
    expect(await (await host.request('/')).text()).toBe('host')
  })

  it.each(['/', '/docs', '/openapi.json', '/metrics'])(
    '%s is open with caller auth',
    async (path) => {
      const { ask } = openHarness({ authenticate: async () => null })
      expect((await ask(path)).status).toBe(200)
      expect((await ask('/files/cfile_1')).status).toBe(401)
    },
  )

  it.each(['/', '/docs', '/openapi.json', '/metrics', '/healthz', '/readyz'])(
    '%s answers a wrong method with the allowed ones',
    async (path) => {
      const { ask } = openHarness({ headers: { 'x-cfile-emulator': '1' } })
      const answer = await ask(path, { method: 'POST' })
      expect(answer.status).toBe(405)
      expect(answer.headers.get('allow')).toBe('GET, HEAD')
      expect(answer.headers.get('x-cfile-emulator')).toBe('1')
      expect(await errorCode(answer)).toBe('method_not_allowed')
    },
  )
})
