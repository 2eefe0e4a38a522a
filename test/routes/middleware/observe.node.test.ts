/**
 * The data of each request for operators: its line in the log, `Server-Timing`, and its trace at the upstream.
 */

import { type IncomingMessage, request as send } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { patient } from '../../lib/child.ts'
import { listen } from '../../lib/upstream.ts'
import { open, openEmulator, respond } from '../console.ts'

describe('a line of the access log', () => {
  it('has every field of a download that came from Azure', async () => {
    const { url, lineOf } = await open(
      { CFILE_API_KEYS: 'team:a-key-long-enough-for-tests' },
      await openEmulator(),
    )
    const headers = { authorization: 'Bearer a-key-long-enough-for-tests' }
    const file = await respond(url, 'Save a CSV', headers)
    const answer = await fetch(`${url}/files/${file.file_id}`, { headers })
    const { byteLength } = await answer.arrayBuffer()
    const line = await lineOf('/files/{file_id}')
    expect(line).toEqual({
      time: expect.stringMatching(/^20\d\d-\d\d-\d\dT[\d:.]+Z$/),
      level: 'info',
      message: 'GET /files/{file_id} 200',
      request_id: answer.headers.get('x-request-id'),
      method: 'GET',
      route: '/files/{file_id}',
      status: 200,
      bytes: byteLength,
      ms: expect.any(Number),
      ttfb_ms: expect.any(Number),
      owner: 'team',
      file_id: file.file_id,
      container_id: file.container_id,
      upstream: 'default',
      from: 'upstream',
      outcome: 'done',
      aborted: false,
    })
    expect(Number(line.ttfb_ms)).toBeLessThanOrEqual(Number(line.ms))
  })

  it('says where the bytes came from, and the code of a failure', async () => {
    const { url, lineOf, linesOf } = await open()
    const file = await respond(url, 'Save a CSV')
    await (await fetch(`${url}/files/${file.file_id}`)).arrayBuffer()
    expect(await lineOf('/files/{file_id}')).toMatchObject({ from: 'emulator' })
    await (await fetch(`${url}/files/cfile_0000`)).arrayBuffer()
    await expect
      .poll(() => linesOf('/files/{file_id}')[1], patient)
      .toMatchObject({
        status: 404,
        code: 'container_unknown',
        outcome: 'done',
        aborted: false,
      })
  })

  it('names routes by their pattern, also those of the OpenAI API', async () => {
    const { url, lineOf } = await open()
    const { container_id: container, file_id: file } = await respond(url, 'Save a CSV')
    const paths = {
      [`/containers/${container}/files/${file}`]: '/containers/{container_id}/files/{file_id}',
      [`/containers/${container}/path/sales.csv`]: '/containers/{container_id}/path/{path}',
      [`/openai/v1/containers/${container}`]: '/openai/v1/containers/{container}',
      '/healthz': '/healthz',
      '/s/x.csv': '/s/{token}',
      '/nowhere': '*',
    }
    for (const [path, route] of Object.entries(paths)) {
      await (await fetch(url + path)).arrayBuffer()
      expect(await lineOf(route)).toMatchObject({ route, outcome: 'done' })
    }
  })

  it('is not written with CFILE_ACCESS_LOG=0, or above the level info', async () => {
    for (const [name, value] of [
      ['CFILE_ACCESS_LOG', '0'],
      ['LOG_LEVEL', 'warn'],
    ] as const) {
      const { url, output } = await open({ [name]: value })
      await fetch(`${url}/healthz`)
      expect(output()).not.toContain('/healthz')
    }
  })

  it('fits on 120 columns with LOG_FORMAT=pretty', async () => {
    const { url, output } = await open({ LOG_FORMAT: 'pretty' }, await openEmulator())
    const { container_id: container, file_id: file } = await respond(url, 'Save a CSV')
    await (await fetch(`${url}/containers/${container}/files/${file}`)).arrayBuffer()
    await expect
      .poll(output, patient)
      .toMatch(
        /info {2}GET \/containers\/\{container_id\}\/files\/\{file_id\} 200 ms=[\d.]+ bytes=\d+ from=upstream/,
      )
    for (const line of output().split('\n')) expect(line.length).toBeLessThanOrEqual(120)
  })
})

describe('the outcome of a download', () => {
  it('is done when the last byte has been sent', async () => {
    const { url, lineOf } = await open()
    const file = await respond(url, 'Save a 4 MB binary file')
    await (await fetch(`${url}/files/${file.file_id}`)).arrayBuffer()
    const line = await lineOf('/files/{file_id}')
    expect(line).toMatchObject({ outcome: 'done', aborted: false, bytes: 4_000_000 })
  })

  it('is client_left when the client closes the connection', async () => {
    const { url, lineOf } = await open()
    const file = await respond(url, 'Save a 60 MB binary file')
    const client = send(`${url}/files/${file.file_id}`)
      .on('error', () => {})
      .end()
    client.once('response', (answer: IncomingMessage) =>
      answer.once('data', () => client.destroy()),
    )
    const line = await lineOf('/files/{file_id}')
    expect(line).toMatchObject({ status: 200, outcome: 'client_left', aborted: true })
    expect(Number(line.bytes)).toBeLessThan(60_000_000)
  })

  it('is cut_slow when the client takes no byte for too long', async () => {
    const { url, lineOf } = await open({
      CFILE_IDLE_TIMEOUT_MS: '1000',
    })
    const file = await respond(url, 'Save a 60 MB binary file')
    const { hostname, port, host } = new URL(url)
    const socket = connect(Number(port), hostname).on('error', () => {})
    onTestFinished(() => void socket.destroy())
    socket.write(`GET /files/${file.file_id} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
    // Waits for the first bytes and reads none of them.
    await new Promise((resolve) => socket.once('readable', resolve))
    const line = await lineOf('/files/{file_id}')
    expect(line).toMatchObject({ status: 200, outcome: 'cut_slow', aborted: false })
  })

  it('is upstream_broke when the rest of the file cannot be read', async () => {
    let answers = 0
    const azure = await listen((request, response) => {
      if (!request.url?.includes('/content')) {
        const file = {
          id: 'cfile_1',
          bytes: 5_000_000,
          path: '/mnt/data/a.bin',
          source: 'assistant',
        }
        response.setHeader('content-type', 'application/json').end(JSON.stringify(file))
      } else if (answers++ === 0) {
        response.setHeader('content-length', 5_000_000).write(Buffer.alloc(1_000_000))
        setTimeout(() => response.destroy(), 200)
      } else {
        response.writeHead(403).end()
      }
    })
    onTestFinished(azure.close)
    const { url, lineOf } = await open({}, azure.url)
    const answer = await fetch(`${url}/containers/cntr_1/files/cfile_1`)
    await expect(answer.arrayBuffer()).rejects.toThrow()
    const line = await lineOf('/containers/{container_id}/files/{file_id}')
    expect(line).toMatchObject({ status: 200, outcome: 'upstream_broke', aborted: false })
    expect(Number(line.bytes)).toBeLessThanOrEqual(1_000_000)
  })
})

describe('Server-Timing', () => {
  it('has the time of the lookup, and that of the archive or the upstream, whichever served the file', async () => {
    const { url } = await open({
      CFILE_ARCHIVE: `fs:${import.meta.dirname}/../../node_modules/.tmp/observe-${process.pid}`,
    })
    const file = await respond(url, 'Save a CSV')
    const timing = async () =>
      (await fetch(`${url}/files/${file.file_id}`, { method: 'HEAD' })).headers.get('server-timing')
    const first = await timing()
    expect(first).toMatch(/^lookup;dur=[\d.]+(, archive;dur=[\d.]+)?(, upstream;dur=[\d.]+)?$/)
    await expect.poll(timing, patient).toMatch(/^lookup;dur=[\d.]+, archive;dur=[\d.]+$/)
    const { url: other } = await open()
    const again = await respond(other, 'Save a CSV')
    const answer = await fetch(`${other}/files/${again.file_id}`)
    expect(answer.headers.get('server-timing')).toMatch(/^lookup;dur=[\d.]+, upstream;dur=[\d.]+$/)
  })
})

describe('traceparent and tracestate', () => {
  it('go to the upstream with every call of their request, and with no other', async () => {
    const seen: IncomingMessage['headers'][] = []
    const azure = new URL(await openEmulator())
    const spy = await listen((request, response) => {
      seen.push(request.headers)
      const { method, headers } = request
      const call = send(
        { host: azure.hostname, port: azure.port, path: request.url, method, headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(response)
        },
      )
      request.pipe(call)
    })
    onTestFinished(spy.close)
    const { url } = await open({}, spy.url)
    const file = await respond(url, 'Save a CSV')
    expect(seen.every(({ traceparent }) => traceparent === undefined)).toBe(true)
    seen.length = 0
    const headers = {
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      tracestate: 'vendor=1',
    }
    await (await fetch(`${url}/files/${file.file_id}`, { headers })).arrayBuffer()
    await respond(url, 'Save a CSV', headers)
    expect(seen.length).toBeGreaterThanOrEqual(2)
    for (const one of seen) expect(one).toMatchObject(headers)
  })
})
