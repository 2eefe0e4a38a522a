/**
 * Swagger UI at `/docs`, from the package `swagger-ui-dist`, an optional peer dependency. It is read when somebody asks.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/** Files of the package that the page loads, with their types. */
const types: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
}

/**
 * Answers `/docs` and the files below it. Resolves to undefined for unknown files, and if the package is not installed.
 *
 * @param file name of a file of the package, empty for the page
 * @param nonce lets the scripts of the page pass its Content-Security-Policy
 */
export async function answerSwaggerUi(file: string, nonce: string): Promise<Response | undefined> {
  const type = types[file]
  try {
    if (file === '') {
      resolve('swagger-ui.css')
      return pageOf(nonce)
    }
    if (type === undefined) return undefined
    const headers = { 'content-type': type, 'cache-control': 'private, max-age=3600', ...noSniff }
    return new Response(await readFile(resolve(file)), { headers })
  } catch {
    return undefined
  }
}

/** @throws Error if the package is not installed */
function resolve(file: string): string {
  return createRequire(import.meta.url).resolve(`swagger-ui-dist/${file}`)
}

const noSniff = { 'x-content-type-options': 'nosniff' }

/** Swagger UI loads its files and asks for answers from this server only. Its icons are data, and pictures come from blobs. */
const sources =
  "img-src 'self' data: blob:; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// The addresses are relative to `/docs`, so they are right under any mount point.
function pageOf(nonce: string): Response {
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>Routes · cfile</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<main id="routes"><noscript><a href="openapi.json">openapi.json</a> describes all routes. This page shows them with JavaScript.</noscript></main>
<script nonce="${nonce}" src="docs/swagger-ui-bundle.js"></script>
<script nonce="${nonce}">
document.documentElement.classList.toggle('dark-mode', matchMedia('(prefers-color-scheme:dark)').matches)
SwaggerUIBundle({ url: 'openapi.json', dom_id: '#routes', deepLinking: true, validatorUrl: null })
</script>
</html>
`
  return new Response(page, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; script-src 'nonce-${nonce}'; ${sources}`,
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'private, no-store',
      'referrer-policy': 'no-referrer',
      ...noSniff,
    },
  })
}
