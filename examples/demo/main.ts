// Asks for a chart and a CSV through the official SDK, and downloads them by their ids alone.
import { createHash } from 'node:crypto'
import { getCitations } from 'cfile'
import { serve } from 'cfile/node'
import OpenAI from 'openai'

const keep = process.argv.includes('--keep')
const model = process.env.MODEL ?? 'gpt-4.1'
const input = 'Draw a bar chart of the sales of four quarters, and save the numbers as a CSV.'
const say = (line: string) => process.stdout.write(`${line}\n`)
const sha256 = (bytes: ArrayBuffer) => createHash('sha256').update(Buffer.from(bytes)).digest('hex')

const gateway = await serve({ PORT: keep ? '8787' : '0', LOG_LEVEL: 'warn', ...process.env })
say(`cfile at ${gateway.url}${gateway.emulated ? ' on its built-in emulator' : ''}\n`)

const client = new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'unused' })
const tools = [{ type: 'code_interpreter' as const, container: { type: 'auto' as const } }]
say(`> ${input}`)
const response = await client.responses.create({ model, input, tools })
say(`${response.output_text}\n`)

let failures = 0
for (const { container_id = '', file_id } of getCitations(response)) {
  const download = await fetch(`${gateway.url}/files/${file_id}`)
  const bytes = await download.arrayBuffer()
  const original = await client.containers.files.content.retrieve(file_id, { container_id })
  const same = download.ok && sha256(bytes) === sha256(await original.arrayBuffer())
  if (!same) failures += 1
  say(`${same ? 'ok    ' : 'FAILED'} GET /files/${file_id}`)
  say(`       ${download.status} ${download.headers.get('content-disposition')}`)
  say(`       ${download.headers.get('content-type')}, ${bytes.byteLength} bytes`)
  say(`       sha256 ${sha256(bytes)}`)
  say(`       curl -OJ ${gateway.url}/files/${file_id}\n`)
}

if (keep) say('Still serving; press Ctrl-C to end it.')
else await gateway.close()
process.exitCode = failures === 0 ? 0 : 1
