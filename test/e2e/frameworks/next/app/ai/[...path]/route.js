import { apiKey, createApp } from 'cfile'

export const dynamic = 'force-dynamic'

let files

/** Creates the app when it is first asked, since Next.js runs this module during the build, too. */
function open() {
  const { CFILE_PUBLIC_URL: publicUrl, AZURE_OPENAI_ENDPOINT: endpoint } = process.env
  return createApp({ upstreams: [{ endpoint, credential: apiKey('any') }], publicUrl })
}

function handle(request) {
  files ??= open()
  return files.fetch(request)
}

export { handle as DELETE, handle as GET, handle as HEAD, handle as OPTIONS, handle as POST }
