import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { openCallers } from '../lib/callers.ts'

const project = 'http://emulator.localhost/api/projects/p'
const endpoint = `${project}/agents/helper/endpoint/protocols/openai`

function openAgent(sweep: boolean) {
  const emulator = createEmulator({ now: () => 1_790_000_000 })
  const work: Promise<unknown>[] = []
  const gateway = openCallers({
    sweep,
    waitUntil: (promise) => void work.push(promise),
    upstreams: [
      {
        name: 'agent',
        endpoint,
        credential: apiKey('a-secret-key'),
        fetch: async (input, init) => emulator.fetch(new Request(input, init)),
      },
    ],
  })
  /** Writes an uncited file of another user into the shared container. */
  async function writeOther(containerId: string): Promise<void> {
    const form = new FormData()
    form.set('file', new File(['secret'], 'of-somebody-else.csv'))
    const url = `${project}/openai/v1/containers/${containerId}/files`
    await emulator.fetch(new Request(url, { method: 'POST', body: form }))
  }
  return { gateway, writeOther, settle: () => Promise.allSettled(work) }
}

describe('a hosted agent, all of whose users share one container', () => {
  it.each([false, true])(
    'shows a caller only the files that were cited to that caller, sweep: %s',
    async (sweep) => {
      const { gateway, writeOther, settle } = openAgent(sweep)
      const ann = gateway.as('ann')
      const { file } = await ann.answer('Save the numbers as a CSV.')
      const path = `/containers/${file.container_id}`
      await writeOther(file.container_id)
      await ann.answer('hi').catch(() => {})
      await settle()
      const list = await ann.ask(`${path}/files?all=1`)
      const { files } = (await list.json()) as { files: { file_id: string }[] }
      expect(files.map(({ file_id }) => file_id)).toEqual([file.file_id])
      expect((await ann.ask(`${path}/path/of-somebody-else.csv`)).status).toBe(404)
      expect((await ann.ask(`${path}/path/${file.filename}`)).status).toBe(200)
      const zip = await (await ann.ask(`${path}/files.zip`)).text()
      expect(zip).toContain(file.filename)
      expect(zip).not.toContain('of-somebody-else.csv')
      const sdk = await ann.ask(`/openai/v1${path}/files`)
      expect(await sdk.text()).not.toContain('of-somebody-else.csv')
      expect((await ann.ask(`/files/${file.file_id}`)).status).toBe(200)
    },
  )
})
