/**
 * `cfile webhook` registers a gateway at the emulator, straight and through another gateway.
 */

import { describe, expect, it, onTestFinished } from 'vitest'
import { type Running, serve } from '../../src/node.ts'
import { cfile } from '../lib/child.ts'

const adminKey = 'a-key-of-the-admin-of-16'
const annKey = 'a-key-of-ann-of-sixteen'
const at = 'https://files.example.com'

/** An emulator, and a gateway with callers before it. */
async function openPair(): Promise<{ readonly azure: Running; readonly gateway: Running }> {
  const env = { PORT: '0', LOG_LEVEL: 'silent', CFILE_STORE: 'memory:' }
  const azure = await serve(env)
  const gateway = await serve({
    ...env,
    AZURE_OPENAI_ENDPOINT: azure.url,
    AZURE_OPENAI_API_KEY: 'any',
    CFILE_API_KEYS: `*:${adminKey},ann:${annKey}`,
  })
  onTestFinished(async () => {
    await gateway.close()
    await azure.close()
  })
  return { azure, gateway }
}

const ways: [string, (pair: Awaited<ReturnType<typeof openPair>>) => Record<string, string>][] = [
  [
    'straight at Azure',
    ({ azure }) => ({ AZURE_OPENAI_ENDPOINT: azure.url, AZURE_OPENAI_API_KEY: 'any' }),
  ],
  [
    'through a gateway, with the key of an admin',
    ({ gateway }) => ({ CFILE_URL: gateway.url, CFILE_KEY: adminKey }),
  ],
]

describe('cfile webhook', () => {
  it.each(ways)('creates, lists and deletes a registration, %s', async (_, envOf) => {
    const pair = await openPair()
    const env = envOf(pair)
    const run = (...args: string[]) => cfile(['webhook', ...args], { env })
    const made = await run('create', `${at}/`, '--name', 'mine')
    expect(made.code, made.stderr).toBe(0)
    const [, id = ''] =
      /^(whe_\w+) is registered for https:\/\/files\.example\.com\/webhooks\.$/m.exec(
        made.stdout,
      ) ?? []
    expect(made.stdout).toMatch(/^CFILE_WEBHOOK_SECRETS=whsec_[A-Za-z0-9+/]+={0,2}$/m)
    const listed = await run('list')
    expect(listed.stdout).toMatch(new RegExp(`${id}\\s+mine\\s+${at}/webhooks`))
    expect(listed.stdout).not.toContain('whsec_')
    expect(JSON.parse((await run('list', '--json')).stdout)).toMatchObject([
      { id, event_types: ['response.completed', 'response.incomplete'] },
    ])
    expect(await run('delete', id)).toMatchObject({ code: 0, stdout: `${id} is deleted.\n` })
    expect(await run('list')).toMatchObject({ code: 0, stdout: '' })
    const again = await run('delete', id)
    expect([again.code, again.stdout]).toEqual([3, ''])
    expect(again.stderr).toContain(id)
  })

  it('is refused for a caller who is no admin', async () => {
    const { gateway } = await openPair()
    const env = { CFILE_URL: gateway.url, CFILE_KEY: annKey }
    for (const args of [['create', at], ['list'], ['delete', 'whe_1']]) {
      const { code, stdout, stderr } = await cfile(['webhook', ...args], { env })
      expect([code, stdout]).toEqual([3, ''])
      expect(stderr).toMatch(/^cfile: .+\n$/)
    }
  })

  it('says how it is used after wrong arguments', async () => {
    const wrong = [[], ['create', 'http://files.example.com'], ['list', 'x'], ['create', at, 'x']]
    const ended = await Promise.all(wrong.map((args) => cfile(['webhook', ...args])))
    for (const { code, stdout, stderr } of ended) {
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain('Usage: cfile webhook create URL | list | delete ID')
    }
  })
})
