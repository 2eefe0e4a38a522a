import { createServer, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { toNodeHandler } from '../../src/node.ts'
import { type Harness, json, openHarness } from '../harness.ts'

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
      const asked = request({ port, path, method, agent: false }, (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
      })
      asked.on('error', reject)
      asked.end()
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
    }
    for (const [base, host] of Object.entries(hosts)) {
      const ask = await listen(host)
      for (const path of [base + target, `${base}/ai${target}`]) {
        expect(await ask(path), path).toBe(200)
        expect(await ask(path, 'HEAD'), path).toBe(200)
        expect(await ask(path, 'POST'), path).toBe(405)
      }
    }
    expect(await (await listen(handler))(`http://files.example.com${target}`)).toBe(200)
  })

  it('is refused in every spelling but its own, before anything is asked upstream', async () => {
    const gateway = openHarness({ publicUrl })
    const target = await linkTo(gateway, { filename: "it's (a) für~alle.csv" })
    const [path = '', query = ''] = target.split('?')
    const ask = await listen(toNodeHandler(gateway.app))
    expect(await ask(target)).toBe(200)
    await gateway.requests()
    const spellings = [
      `/.${target}`,
      `/x/..${target}`,
      `/x/%2e%2e${target}`,
      `/%2e${target}`,
      `/ai/..${target}`,
      `/ai/.${target}`,
      `/AI${target}`,
      `/${target}`,
      `/ai/${target}`,
      `\\${target}`,
      `/ai\\..${target}`,
      `${path.replace('/files/', '/files//')}?${query}`,
      `${path.replace('/files/', '/files/./')}?${query}`,
      `${path.replace('/files/', '/x/../files/')}?${query}`,
      `${path.replace('/files/', '\\files\\')}?${query}`,
      `${path.replace('/files/', '/files%2F')}?${query}`,
      `${path.replace('cfile_', 'cfil%65_')}?${query}`,
      `${path.replace('cntr_', 'CNTR_')}?${query}`,
      `${path}/?${query}`,
      `${path}/.?${query}`,
      `${path};x=1?${query}`,
      `${path}%00?${query}`,
      `${path}%09?${query}`,
      `${path}%20?${query}`,
      `${path}??${query}`,
      `${path}?${query}#`,
      `${path}?${query}#top`,
      `${path}?${query}%23`,
      `${path}?${query}&`,
      `${path}?&${query}`,
      `${path}?${query}&x=1`,
      `${path}?${query}&disposition=inline`,
      `${path}?${query}&container_id=cntr_a`,
      `${path}?${query}&e=1`,
      `${path}?${query}&${query}`,
      `${path}?${query}%0d%0aX-Evil:%201`,
      `${path}?${query.replaceAll('&', '&amp;')}`,
      `${path}?${query.replaceAll('&', ';')}`,
      `${path}?${query.replaceAll('&', '%26')}`,
      `${path}?${query.replaceAll('%20', '+')}`,
      `${path}?${query.replace('%27', "'")}`,
      `${path}?${query.replace('~', '%7E')}`,
      `${path}?${query.replace('%28', '(')}`,
      `${path}?${query.replace('%C3%BC', '%c3%bc')}`,
      `${path}?${query.replace('%C3%BC', 'u%CC%88')}`,
      `${path}?${query.replace('%C3%BC', '%FC')}`,
      `${path}?${query.replace('%C3%BC', '\u00fc')}`,
      `${path}?${query.replace('e=', 'E=')}`,
      `${path}?${query.replace('e=', 'e=+')}`,
      `${path}?${query.replace('e=1', 'e=01')}`,
      `${path}?${query.replace(/e=(\d+)/, 'e=$1.0')}`,
      `${path}?${query.replace(/e=(\d+)/, 'e=$1e0')}`,
      `${path}?${query.replace(/e=(\d+)/, (_, e) => `e=0x${Number(e).toString(16)}`)}`,
      `${path}?${query.replace(/&s=/, '&s=%20')}`,
      `${path}?${query}=`,
      `${path}?${query}==`,
      `${path}?${query.split('&').reverse().join('&')}`,
      `${path}?${query.replace(/&k=[^&]+/, '&k=')}`,
      `${path}?${query.replace(/&k=[^&]+/, '&k=none')}`,
      `${path}?${query.replace(/&s=.*/, '&s=')}`,
      `${path}?${query.replace(/&s=.*/, '')}`,
      `${path}?${query.replace(/n=[^&]+/, 'n=evil.html')}`,
      `${path}?${query.replace(/n=[^&]+&/, '')}`,
      `${path}?d=inline&${query}`,
      `${path}?${query.replace('&e=', '&d=inline&e=')}`,
      `${path}?${query}&${'x'.repeat(7000)}`,
    ]
    for (const spelling of new Set(spellings)) {
      if (spelling === target) throw new Error('a spelling is the link itself')
      const status = await ask(encodeNothing(spelling)).catch((error) => error.code)
      // Some are no target at all to Node's parser, or no path of ours once a URL parser saw them.
      expect([400, 403, 404, 'ERR_UNESCAPED_CHARACTERS'], spelling).toContain(status)
    }
    expect(await gateway.requests()).toEqual([])
    expect(await ask(target)).toBe(200)
  })
})

/** Node's client takes bytes as characters. */
function encodeNothing(target: string): string {
  return Buffer.from(target).toString('latin1')
}
