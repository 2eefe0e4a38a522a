import { describe, expect, it } from 'vitest'
import { nodeRuntime } from '../../src/node.ts'
import { openHarness } from '../lib/harness.ts'

describe('/docs on Node', () => {
  it('shows Swagger UI from its package, under any mount point, with nothing of other hosts', async () => {
    const { answerDocs } = nodeRuntime()
    const { ask } = openHarness({ publicUrl: 'http://localhost/ai', answerDocs })
    const answer = await ask('/ai/docs')
    const page = await answer.text()
    const [, nonce] = /<script nonce="([^"]+)"/.exec(page) ?? []
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; script-src 'nonce-${nonce}'; img-src 'self' data: blob:; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    expect(page).not.toMatch(/https?:|\sstyle=|\son\w+=/)
    const links = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link = '']) => link)
    expect(links).toHaveLength(3)
    for (const link of links) {
      const { pathname } = new URL(link, 'http://localhost/ai/docs')
      expect((await ask(pathname)).status, link).toBe(200)
    }
    const script = await ask('/ai/docs/swagger-ui-bundle.js')
    expect(script.headers.get('content-type')).toBe('text/javascript')
    expect(await script.text()).toContain('SwaggerUIBundle')
  })

  it.each(['package.json', '..%2fpackage.json', 'index.html'])(
    'serves no other file of the package: %s',
    async (file) => {
      const { ask } = openHarness({ answerDocs: nodeRuntime().answerDocs })
      expect((await ask(`/docs/${file}`)).status).toBe(404)
    },
  )
})
