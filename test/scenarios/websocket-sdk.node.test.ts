/**
 * The official SDK's WebSocket client through the gateway, from socket to socket.
 */

import OpenAI, { AzureOpenAI } from 'openai'
import { ResponsesWS } from 'openai/resources/responses/ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, serve } from '../../src/node.ts'
import { citedFiles, codeInterpreter } from '../lib/harness.ts'
import { lastOfAnswer } from '../lib/sockets.ts'

const ownKey = 'a-key-of-sixteen-characters'
let upstream: Running
let gateway: Running
beforeAll(async () => {
  const env = { PORT: '0', LOG_LEVEL: 'silent', CFILE_STORE: 'memory:' }
  upstream = await serve(env)
  gateway = await serve({
    ...env,
    AZURE_OPENAI_ENDPOINT: upstream.url,
    AZURE_OPENAI_API_KEY: 'any',
    CFILE_API_KEYS: `ann:${ownKey},bob:another-key-of-16-characters`,
    CFILE_LINKS: 'rewrite',
  })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const clients: [string, (apiKey: string) => OpenAI][] = [
  ['OpenAI', (apiKey) => new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey })],
  [
    'AzureOpenAI with the v1 base URL',
    (apiKey) =>
      new AzureOpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey, apiVersion: 'preview' }),
  ],
  [
    'AzureOpenAI with an endpoint and a date',
    (apiKey) =>
      new AzureOpenAI({ endpoint: gateway.url, apiKey, apiVersion: '2025-04-01-preview' }),
  ],
]

type ServerEvent = OpenAI.Responses.ResponsesServerEvent

/** Collects the events of the next answer. */
function answerOf(socket: ResponsesWS): Promise<ServerEvent[]> {
  return new Promise((resolve, reject) => {
    const events: ServerEvent[] = []
    const take = (event: ServerEvent): void => {
      events.push(event)
      if (!lastOfAnswer.test(event.type)) return
      socket.off('event', take)
      resolve(events)
    }
    socket.on('event', take)
    socket.on('error', (error) => {
      if (error.error === undefined || error.error === null) reject(error)
    })
  })
}

describe.each(clients)('the WebSocket client of the SDK with %s', (_, open) => {
  it('gets answers whose links give the files, turn by turn on one socket', async () => {
    const socket = new ResponsesWS(open(ownKey))
    const turn = { type: 'response.create', model: 'gpt-4.1', tools: codeInterpreter } as const
    let previous_response_id: string | undefined
    for (const input of ['Save the numbers as a CSV.', 'Save "two.txt". [list]']) {
      const answered = answerOf(socket)
      socket.send({ ...turn, input, previous_response_id } as never)
      const last = (await answered).at(-1)
      if (last?.type !== 'response.completed') throw new Error(`It ended with ${last?.type}.`)
      previous_response_id = last.response.id
      const [file] = citedFiles(last)
      const key = { headers: { authorization: `Bearer ${ownKey}` } }
      const byId = await fetch(`${gateway.url}/files/${file?.file_id}`, key)
      const [link = ''] = /http[^\s)"\\]+\/s\/[^\s)"\\]+/.exec(JSON.stringify(last)) ?? []
      expect(await (await fetch(link)).bytes()).toEqual(await byId.bytes())
    }
    socket.close()
  })

  it('gets an error event for a turn of another owner, and goes on', async () => {
    const ann = await open(ownKey).responses.create({ model: 'gpt-4.1', input: 'hi' })
    const socket = new ResponsesWS(open('another-key-of-16-characters'))
    const ask = async (more: object) => {
      const answered = answerOf(socket)
      socket.send({ type: 'response.create', model: 'gpt-4.1', input: 'hi', ...more } as never)
      return (await answered).at(-1)
    }
    expect(await ask({ previous_response_id: ann.id })).toMatchObject({
      type: 'error',
      status: 404,
    })
    expect((await ask({}))?.type).toBe('response.completed')
    socket.close()
  })
})
