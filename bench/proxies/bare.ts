/** The bare pass-through, in the way of each runtime: `fetch` in, its answer out. Settings come from the environment. */

interface Runtimes {
  readonly Bun?: { readonly env: Env; serve(options: object): unknown }
  readonly Deno?: {
    readonly env: { toObject(): Env }
    serve(options: object, handler: unknown): unknown
  }
}
type Env = Readonly<Record<string, string>>

const { Bun, Deno } = globalThis as Runtimes
const env: Env = Bun?.env ?? Deno?.env.toObject() ?? {}

async function pass(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const answer = await fetch(env.UPSTREAM + pathname)
  return new Response(answer.body, {
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': answer.headers.get('content-length') ?? '',
    },
  })
}

const port = Number(env.PORT)
if (Bun) Bun.serve({ port, hostname: '127.0.0.1', fetch: pass })
else Deno?.serve({ port, hostname: '127.0.0.1' }, pass)
