import { apiKey, createApp } from 'cfile'

let files

/** Creates the app when it is first asked, since SvelteKit runs this module during the build, too. */
function open() {
  const { CFILE_PUBLIC_URL: publicUrl, AZURE_OPENAI_ENDPOINT: endpoint } = process.env
  return createApp({ upstreams: [{ endpoint, credential: apiKey('any') }], publicUrl })
}

export function fallback({ request }) {
  files ??= open()
  return files.fetch(request)
}
