import { describe, expect, it } from 'vitest'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { script } from '../../src/emulator/playground.ts'
import { openApp } from '../../src/start/open-app.ts'
import { parseEnv } from '../../src/start/settings/settings.ts'
import { openHarness } from '../lib/harness.ts'

const browser = { headers: { accept: 'text/html,*/*;q=0.8' } }

describe('the playground', () => {
  it('loads nothing from other hosts, and runs only its own script', async () => {
    const answer = await createEmulator().request('/emulator/playground')
    const page = await answer.text()
    const policy = answer.headers.get('content-security-policy') ?? ''
    const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1]
    expect(answer.status).toBe(200)
    expect(policy).toMatch(/^default-src 'none'; connect-src 'self'; img-src 'self'; style-src/)
    expect(page.match(/<(?:script|style)[^>]*>/g)).toEqual([
      `<style nonce="${nonce}">`,
      `<script nonce="${nonce}">`,
    ])
    expect(page).not.toMatch(/https?:\/\/|<[^>]* on\w+=|<[^>]* style=/)
    const other = await createEmulator().request('/emulator/playground')
    expect(other.headers.get('content-security-policy')).not.toBe(policy)
  })

  it('writes nothing of an answer as markup', () => {
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(/)
  })

  it('is linked from the first page of a server on the emulator', async () => {
    const settings = parseEnv({ CFILE_STORE: 'memory:', LOG_LEVEL: 'silent' })
    const app = openApp(settings, {
      publicUrl: 'http://127.0.0.1:8787',
      emulator: () => createEmulator(),
    })
    const page = await (await app.request('/', browser)).text()
    const [, path = ''] = /href="http:\/\/127\.0\.0\.1:8787(\/emulator[^"]*)"/.exec(page) ?? []
    expect((await app.request(path, browser)).status).toBe(200)
  })

  it('is missing on a server on Azure', async () => {
    const { ask } = openHarness()
    expect(await (await ask('/', browser)).text()).not.toContain('playground')
    expect((await ask('/emulator/playground', browser)).status).toBe(404)
  })
})
