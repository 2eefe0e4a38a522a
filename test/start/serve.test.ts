import { describe, expect, it, vi } from 'vitest'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { type Platform, serveOn } from '../../src/start/serve.ts'
import { memoryStore } from '../../src/stores/memory.ts'

/** A runtime that records its steps, in order. */
function openPlatform(canListen = true) {
  const steps: string[] = []
  const platform: Platform = {
    async openStorage() {
      steps.push('store opened')
      return {
        store: memoryStore({ now: () => 0 }),
        close: async () => void steps.push('store closed'),
      }
    },
    loadEmulator: async () => {
      steps.push('emulator loaded')
      return createEmulator
    },
    async listen({ port }, answer) {
      if (!canListen) throw Object.assign(new Error('taken'), { code: 'EADDRINUSE' })
      steps.push('listening')
      const close = async () => void steps.push('listener closed')
      // The first client that could come: its request is answered.
      const first = port === 0 ? undefined : await answer(new Request('http://x/healthz'))
      if (first !== undefined) steps.push(`answered ${first.status}`)
      return { port: port || 40_000, close, cut() {} }
    },
    readFile: async () => '',
  }
  return { platform, steps }
}

const quiet = { LOG_LEVEL: 'silent' }
const wrong = { CFILE_WEBHOOK_SECRETS: 'no-secret' }

describe('a server', () => {
  it('accepts connections only when it can answer them', async () => {
    const { platform, steps } = openPlatform()
    const { close } = await serveOn(platform, { ...quiet, PORT: '8787' })
    expect(steps).toEqual(['store opened', 'emulator loaded', 'listening', 'answered 200'])
    await close()
    expect(steps.slice(4)).toEqual(['listener closed', 'store closed'])
  })

  it.each([{ PORT: '8787' }, { PORT: '0', CFILE_PUBLIC_URL: 'https://files.example.com' }])(
    'does not listen where an option is wrong, and leaves nothing open: %o',
    async (env) => {
      const { platform, steps } = openPlatform()
      await expect(serveOn(platform, { ...quiet, ...env, ...wrong })).rejects.toMatchObject({
        code: 'invalid_request',
      })
      expect(steps).toEqual(['store opened', 'emulator loaded', 'store closed'])
    },
  )

  it('reports a wrong option in one line, without warnings about others', async () => {
    const { platform } = openPlatform()
    const lines: string[] = []
    const spy = vi.spyOn(console, 'warn').mockImplementation((line) => void lines.push(line))
    const env = { ...wrong, PORT: '8787', CFILE_XYZ: '1' }
    await expect(serveOn(platform, env)).rejects.toThrow('CFILE_WEBHOOK_SECRETS')
    spy.mockRestore()
    expect(lines).toEqual([])
  })

  it('closes its socket if the app fails after the system has chosen the port', async () => {
    const { platform, steps } = openPlatform()
    await expect(serveOn(platform, { ...quiet, PORT: '0', ...wrong })).rejects.toThrow(
      'CFILE_WEBHOOK_SECRETS',
    )
    expect(steps.slice(2)).toEqual(['listening', 'listener closed', 'store closed'])
  })

  it('closes its store if the port is in use', async () => {
    const { platform, steps } = openPlatform(false)
    await expect(serveOn(platform, { ...quiet, PORT: '8787' })).rejects.toThrow('taken')
    expect(steps.at(-1)).toBe('store closed')
  })
})
