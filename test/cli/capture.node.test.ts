/**
 * `cfile capture` and `POST /captures` record answers that did not pass through the gateway.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { hash, startAzure } from '../e2e/azure.ts'
import { cfile, patient, startServer } from '../lib/child.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'

it('archives an older answer while its container lives, on the command line and over HTTP', async () => {
  const azure = await startAzure()
  const folder = await mkdtemp(join(tmpdir(), 'cfile-capture-'))
  const gateway = await startServer({
    ...azure.env,
    CFILE_STORE: 'memory:',
    CFILE_ARCHIVE: `fs:${folder}`,
    LOG_LEVEL: 'silent',
  })
  onTestFinished(async () => {
    await gateway.stop()
    await azure.close()
    await rm(folder, { recursive: true })
  })
  const answers = await Promise.all([1, 2, 3].map(() => answerDirectly(azure.env)))
  const hashes = await Promise.all(answers.map(({ file }) => azure.hashOf(file)))
  azure.advance(900)

  const [byCommand, byHttp] = answers
  const { code, stdout } = await cfile(['capture', byCommand?.id ?? ''], {
    env: { CFILE_URL: gateway.url },
  })
  expect([code, stdout]).toEqual([0, expect.stringContaining(`${byCommand?.file.file_id}`)])
  const posted = await fetch(`${gateway.url}/captures`, json({ response_id: byHttp?.id }))
  expect(await posted.json()).toMatchObject({ files: [{ file_id: byHttp?.file.file_id }] })

  const urls = answers.map(({ file }) => `${gateway.url}/files/${file.file_id}`)
  for (const url of urls.slice(0, 2)) await expect.poll(() => isCopied(url), patient).toBe(true)
  azure.advance(2 * 3600)
  const later = await Promise.all(urls.map(async (url) => hash(await fetch(url))))
  // A file without a capture is unknown.
  expect(later).toEqual([...hashes.slice(0, 2), '404'])
})

/** An answer that the gateway does not see. */
async function answerDirectly(env: Readonly<Record<string, string>>) {
  const { body, headers } = json(responseRequest('Write a CSV'))
  const answer = await fetch(`${env.AZURE_OPENAI_ENDPOINT}/openai/v1/responses`, {
    method: 'POST',
    body,
    headers: { ...headers, 'api-key': `${env.AZURE_OPENAI_API_KEY}` },
  })
  const read = (await answer.json()) as { id: string }
  const [file] = citedFiles(read)
  if (file === undefined) throw new Error('Nothing was cited.')
  return { id: read.id, file }
}

/** Only a copy has a hash. */
async function isCopied(url: string): Promise<boolean> {
  return (await fetch(url, { method: 'HEAD' })).headers.has('repr-digest')
}
