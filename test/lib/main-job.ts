/**
 * The main job over real HTTP: an answer passes, and the files that it cites are served by their ids alone.
 *
 * @module
 */

import { expect } from 'vitest'
import { type CitedFile, citedFiles, json, responseRequest, sha256 } from './harness.ts'

const prompt = 'Draw a bar chart and save the numbers as a CSV.'

/** Does the main job at a base URL and fails if any step does. Returns the citations. */
export async function doMainJob(base: string): Promise<CitedFile[]> {
  const response = await fetch(`${base}/openai/v1/responses`, json(responseRequest(prompt)))
  expect(response.status).toBe(200)
  const answer = await response.json()
  const cited = citedFiles(answer)
  expect(cited.map(({ filename }) => filename.split('.').at(-1)).sort()).toEqual([
    'csv',
    'png',
    // The plot that the code interpreter adds by itself.
    'png',
  ])
  for (const file of cited) await download(base, file)
  await followLinks(base, answer, cited.length)
  return cited
}

async function download(base: string, { container_id, file_id, filename }: CitedFile) {
  const got = await fetch(`${base}/files/${file_id}`)
  expect(got.status).toBe(200)
  expect(got.headers.get('content-disposition')).toContain(`filename="${filename}"`)
  expect(got.headers.get('content-type')).toMatch(/^(?:image\/png|text\/csv)/)
  const original = await fetch(
    `${base}/openai/v1/containers/${container_id}/files/${file_id}/content`,
  )
  expect(await hashOf(got)).toBe(await hashOf(original))
}

/** Checks that every link leads back to this server, also below a path. */
async function followLinks(base: string, answer: unknown, count: number): Promise<void> {
  const posted = await fetch(`${base}/captures`, json(answer))
  const { files } = (await posted.json()) as { files: { file_id: string; download_url: string }[] }
  expect(files).toHaveLength(count)
  const links = files.map(({ download_url }) => download_url)
  JSON.stringify(answer, (key, value) => {
    if (key === 'download_url') links.push(value)
    return value
  })
  for (const link of links) {
    expect(link.startsWith(`${base}/`), link).toBe(true)
    const got = await fetch(link)
    expect(got.status, link).toBe(200)
    await got.body?.cancel()
  }
}

async function hashOf(response: Response): Promise<string> {
  return sha256(await response.arrayBuffer())
}
