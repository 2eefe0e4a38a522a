/**
 * A chat of six turns through the official SDK, with hours between the turns.
 */

import OpenAI, { AzureOpenAI, BadRequestError } from 'openai'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { memoryArchive } from '../../src/archives/memory.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { testSha256 } from '../archives/contract.ts'
import { citedFiles } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'
import { followWork } from '../lib/work.ts'

/** A gateway with an archive on a socket, and a clock that can be advanced. */
async function open(heal: boolean) {
  let time = Math.floor(Date.now() / 1000)
  const now = () => time
  const { waitUntil, settle } = followWork()
  const azure = await serveApp(createEmulator({ now }))
  const app = createApp({
    now,
    heal,
    retry: { attempts: 1 },
    archive: memoryArchive({ createSha256: testSha256, now }),
    upstreams: [{ endpoint: azure.url, credential: apiKey('a-secret-key') }],
    waitUntil,
  })
  const gateway = await serveApp(app)
  onTestFinished(async () => {
    await gateway.close()
    await azure.close()
  })
  return {
    azure: azure.url,
    gateway: gateway.url,
    /** Waits for copies and advances the clock by two hours. */
    async pass() {
      await settle()
      time += 7200
    },
  }
}

const clients: [string, (url: string) => OpenAI][] = [
  ['OpenAI', (url) => new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'any', maxRetries: 0 })],
  [
    'AzureOpenAI',
    (url) =>
      new AzureOpenAI({ endpoint: url, apiKey: 'any', apiVersion: 'preview', maxRetries: 0 }),
  ],
]

const tools: OpenAI.Responses.Tool[] = [{ type: 'code_interpreter', container: { type: 'auto' } }]
const model = 'gpt-4.1'

const containerOf = ({ output }: OpenAI.Responses.Response): string => {
  const call = output.find((item) => item.type === 'code_interpreter_call')
  if (call === undefined) throw new Error('No code ran.')
  return call.container_id
}

describe.each(clients)('a chat of six turns with hours between them, by %s', (_, connect) => {
  it('can read in its last turn what its first turn wrote', async () => {
    const { gateway, pass } = await open(true)
    const client = connect(gateway)
    const first = await client.responses.create({
      model,
      tools,
      input: 'Save the numbers as a CSV.',
    })
    const [file] = citedFiles(first)
    if (file === undefined) throw new Error('Nothing was cited.')
    const named = { container_id: file.container_id }
    const written = await (
      await client.containers.files.content.retrieve(file.file_id, named)
    ).bytes()
    let last = first
    const used = new Set([containerOf(first)])
    for (let turn = 2; turn <= 6; turn += 1) {
      await pass()
      const next: OpenAI.Responses.ResponseCreateParamsNonStreaming = {
        model,
        tools,
        input: `Save "turn${turn}.txt". [list]`,
        previous_response_id: last.id,
      }
      const { data, response } = await client.responses.create(next).withResponse()
      expect(response.headers.get('x-cfile-healed')).toBe(
        `${containerOf(last)}=${containerOf(data)}`,
      )
      last = data
      used.add(containerOf(last))
    }
    expect(used.size).toBe(6)
    expect(last.output_text).toMatch(/The container holds: .*sales\.csv/)
    const container_id = containerOf(last)
    const rows = await client.containers.files.list(container_id)
    const names = rows.data.map(({ path }) => path.replace(/^\/mnt\/data\/(?:[0-9a-f]{32}-)?/, ''))
    expect(names.sort()).toEqual(['sales.csv', ...[2, 3, 4, 5, 6].map((turn) => `turn${turn}.txt`)])
    const copy = rows.data.find(({ path }) => path.endsWith('sales.csv'))
    const read = await client.containers.files.content.retrieve(copy?.id ?? '', { container_id })
    expect(await read.bytes()).toEqual(written)
  })

  it('streams a healed turn to its end', async () => {
    const { gateway, pass } = await open(true)
    const client = connect(gateway)
    const first = await client.responses.create({
      model,
      tools,
      input: 'Save the numbers as a CSV.',
    })
    await pass()
    const stream = client.responses.stream({
      model,
      tools,
      input: '[list]',
      previous_response_id: first.id,
    })
    const { output_text } = await stream.finalResponse()
    expect(output_text).toContain('sales.csv')
  })

  it('fails without CFILE_HEAL as at Azure itself', async () => {
    const { gateway, azure, pass } = await open(false)
    const client = connect(gateway)
    const first = await client.responses.create({
      model,
      tools,
      input: 'Save the numbers as a CSV.',
    })
    await pass()
    const next = { model, tools, input: '[list]', previous_response_id: first.id }
    const refusals = []
    // Azure has no dated version of responses, so they are requested on the v1 path.
    const direct = new OpenAI({ baseURL: `${azure}/openai/v1`, apiKey: 'any', maxRetries: 0 })
    for (const sdk of [client, direct]) {
      const error = await sdk.responses.create(next).catch((error: unknown) => error)
      if (!(error instanceof BadRequestError)) throw error
      refusals.push({ status: error.status, message: error.message, error: error.error })
    }
    expect(refusals[0]).toEqual(refusals[1])
    expect(refusals[0]).toMatchObject({ status: 400, message: '400 Container is expired.' })
  })
})
