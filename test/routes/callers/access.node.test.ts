import { createServer, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { toNodeHandler } from '../../../src/node.ts'
import { type Harness, json, openHarness } from '../../lib/harness.ts'

const publicUrl = 'http://127.0.0.1:8787/ai'
const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** Serves on a socket, and asks for targets letter for letter. */
async function listen(handler: RequestListener) {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return (path: string, method = 'GET') =>
    new Promise<number>((resolve, reject) => {
      const outgoing = request({ port, path, method, agent: false }, (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
}

async function linkTo(gateway: Harness, more: object = {}): Promise<string> {
  const [file] = await gateway.respond('Save the numbers as a CSV.')
  const answer = await gateway.ask('/links', json({ file_id: file?.file_id, ...more }))
  const { download_url } = (await answer.json()) as { download_url: string }
  return download_url.slice(publicUrl.length)
}

describe('a signed link on Node', () => {
  it('works alone and in Express under any path, with the path of the public URL and without it', async () => {
    const gateway = openHarness({ publicUrl })
    const target = await linkTo(gateway, { filename: "it's (a) für alle.csv" })
    const handler = toNodeHandler(gateway.app)
    const hosts: Record<string, RequestListener> = {
      '': handler,
      '/deep/host': express().use('/deep/host', handler),
      '/one/two': express().use('/one', express.Router().use('/two', handler)),
      '/s': express().use('/s', handler),
    }
    for (const [base, host] of Object.entries(hosts)) {
      const ask = await listen(host)
      for (const path of [base + target, `${base}/ai${target}`]) {
        expect(await ask(path), path).toBe(200)
        expect(await ask(path, 'HEAD'), path).toBe(200)
        expect(await ask(path, 'POST'), path).toBe(405)
        expect(await ask(path.slice(0, path.lastIndexOf('/'))), path).toBe(200)
      }
    }
    expect(await (await listen(handler))(`http://files.example.com${target}`)).toBe(200)
  })

  it('works with any name and any query after its token', async () => {
    const gateway = openHarness({ publicUrl })
    const target = await linkTo(gateway, { filename: "it's (a) für~alle+100%.csv" })
    const [, , token = '', name = ''] = target.split('/')
    const ask = await listen(toNodeHandler(gateway.app))
    const names = [
      name,
      name.toLowerCase(),
      name.replaceAll('%20', '+'),
      name.replace('%27', "'"),
      name.replace('~', '%7E'),
      name.replace('%C3%BC', 'u%CC%88'),
      name.replace('%C3%BC', '%FC'),
      name.replace('%', '%25'),
      `${name}/`,
      `${name};x=1`,
      `${name}%00`,
      `${name}%0d%0aX-Evil:%201`,
      '%E0%A4%A',
      'other.html',
      'x'.repeat(7000),
      's',
      's/',
      '',
    ]
    for (const one of names) {
      for (const query of [
        '',
        '?',
        '?utm_source=a&utm_medium=b',
        '?d=inline&e=1&k=x&s=y',
        '??&&=',
      ]) {
        const path = `/s/${token}/${one}${query}`
        expect(await ask(path), path).toBe(200)
      }
    }
    expect(await ask(`/s/${token}?x=1`)).toBe(200)
  })

  it('is refused in every spelling of its token but its own, before anything is asked upstream', async () => {
    const gateway = openHarness({ publicUrl })
    const target = await linkTo(gateway)
    const [, , token = ''] = target.split('/')
    const ask = await listen(toNodeHandler(gateway.app))
    expect(await ask(target)).toBe(200)
    await gateway.requests()
    const first = token.charCodeAt(0).toString(16)
    const spellings = [
      token.toLowerCase(),
      token.toUpperCase(),
      token.replace('.', '%2E'),
      token.replace('.', '..'),
      token.replace('.', ''),
      token.replace('.', '/'),
      `%${first}${token.slice(1)}`,
      `${token}=`,
      `${token}%3D`,
      `${token}%`,
      `${token}%00`,
      `${token}%20`,
      `${token}%09`,
      `%20${token}`,
      `${token};x`,
      `${token}+`,
      `${token}.`,
      `.${token}`,
      `${token}${token}`,
      token.slice(0, -1),
      token.slice(1),
      '.',
      '',
    ]
    for (const spelling of spellings) {
      for (const end of ['', '/', '/sales.csv']) {
        const path = `/s/${spelling}${end}`
        expect([403, 404], path).toContain(await ask(path))
      }
    }
    expect(await gateway.requests()).toEqual([])
    expect(await ask(target)).toBe(200)
  })
})
