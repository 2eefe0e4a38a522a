// A file proxy as many apps had it for the Assistants API: a file id in, the file out. Only the base URL of the client is new.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import OpenAI, { NotFoundError } from 'openai'

const { CFILE_URL = 'http://127.0.0.1:8787', CFILE_KEY = 'any', PORT = '3000' } = process.env
const client = new OpenAI({ baseURL: `${CFILE_URL}/openai/v1`, apiKey: CFILE_KEY })

const app = new Hono()
app.get('/openai_file_proxy/:file_id', (c) => openaiFileProxy(c.req.raw, c.req.param('file_id')))
app.onError((error, c) => {
  if (error instanceof NotFoundError) return c.text('There is no such file.', 404)
  throw error
})

async function openaiFileProxy(request: Request, fileId: string): Promise<Response> {
  const { signal } = request
  const file = await client.files.retrieve(fileId, { signal })
  const content = await client.files.content(fileId, { signal })
  return new Response(content.body, {
    headers: {
      'content-type': content.headers.get('content-type') ?? 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''${encode(file.filename)}`,
      'x-content-type-options': 'nosniff',
    },
  })
}

// RFC 8187 encodes a few more characters than a URL.
function encode(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  )
}

const server = serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, () => {
  process.stdout.write(`http://127.0.0.1:${PORT}/openai_file_proxy/{file_id}\n`)
})
process.once('SIGTERM', () => server.close())
