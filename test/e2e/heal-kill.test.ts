/**
 * A gateway that is killed while it replaces the container of a conversation.
 */

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Child, patient, startServer } from '../lib/child.ts'
import { citedFiles, codeInterpreter, json } from '../lib/harness.ts'
import { type Azure, startAzure } from './azure.ts'
import { freePort } from './engines.ts'

interface Turn {
  readonly id: string
}

/** A conversation whose container is gone, and whose file is archived. */
async function openGone() {
  const azure = await startAzure()
  const folder = await mkdtemp(join(tmpdir(), 'cfile-heal-kill-'))
  const env = {
    ...azure.env,
    PORT: String(await freePort()),
    CFILE_HEAL: '1',
    CFILE_STORE: `sqlite:${join(folder, 'store.db')}`,
    CFILE_ARCHIVE: `fs:${join(folder, 'archive')}`,
  }
  let server: Child = await startServer(env)
  onTestFinished(async () => {
    await server.stop()
    await azure.close()
    await rm(folder, { recursive: true, force: true })
  })
  const ask = (input: string, more: object = {}) =>
    fetch(
      `${server.url}/openai/v1/responses`,
      json({ model: 'gpt-4.1', input, tools: codeInterpreter, ...more }),
    )
  const first = (await (await ask('Save the numbers as a CSV.')).json()) as Turn
  const [file] = citedFiles(first)
  const records = join(folder, 'archive/records/anyone')
  await expect
    .poll(async () => readdir(records).catch(() => []), patient)
    .toContain(`${file?.file_id}.json`)
  azure.advance(2 * 3600)
  return {
    azure,
    nextTurn: () => ask('[list]', { previous_response_id: first.id }),
    async killAndRestart() {
      await server.stop()
      server = await startServer(env)
    },
  }
}

const at = ({ env }: Azure, path: string, init: RequestInit = {}) =>
  fetch(`${env.AZURE_OPENAI_ENDPOINT}${path}`, {
    ...init,
    headers: { 'content-type': 'application/json', 'api-key': 'key' },
  })

/** The ids of the containers that live at Azure, and are billed. */
async function living(azure: Azure): Promise<string[]> {
  const answer = await at(azure, '/openai/v1/containers?limit=100')
  const { data } = (await answer.json()) as { data: { id: string; status: string }[] }
  return data.filter(({ status }) => status === 'running').map(({ id }) => id)
}

/** Has the next turn hang in the middle of its upload, and kills the gateway there. */
async function killWhileHealing({
  azure,
  nextTurn,
  killAndRestart,
}: Awaited<ReturnType<typeof openGone>>) {
  await at(
    azure,
    '/emulator/faults',
    json({ match: { method: 'POST', path: '/files' }, hang: true }),
  )
  const turn = nextTurn().catch(() => 'cut')
  await expect
    .poll(async () => JSON.stringify(await (await at(azure, '/emulator/faults')).json()), patient)
    .not.toContain('hang')
  expect(await living(azure)).toHaveLength(1)
  await killAndRestart()
  expect(await turn).toBe('cut')
}

describe('a gateway that is killed while it replaces a container', () => {
  it('leaves no unused container that is billed, and heals at the next turn', async () => {
    const gone = await openGone()
    await killWhileHealing(gone)
    await expect.poll(() => living(gone.azure), { timeout: 40_000 }).toEqual([])
    const turn = await gone.nextTurn()
    expect([turn.status, await turn.text()]).toEqual([200, expect.stringContaining('sales.csv')])
    expect(turn.headers.get('x-cfile-healed')).not.toBeNull()
    expect(await living(gone.azure)).toHaveLength(1)
  })

  it('heals a turn that arrives at once, and leaves only its container', async () => {
    const gone = await openGone()
    await killWhileHealing(gone)
    const turn = await gone.nextTurn()
    expect([turn.status, await turn.text()]).toEqual([200, expect.stringContaining('sales.csv')])
    const [, made] = turn.headers.get('x-cfile-healed')?.split('=') ?? []
    await expect.poll(() => living(gone.azure), { timeout: 40_000 }).toEqual([made])
  })
})
