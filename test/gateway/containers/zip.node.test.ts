/**
 * Zips in the programs that people use: Info-ZIP and Python.
 */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openHarness } from '../../lib/harness.ts'

const run = promisify(execFile)

async function has(program: string, ...args: string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  )
}

const [hasUnzip, hasPython] = await Promise.all([has('unzip', '-v'), has('python3', '--version')])

const list = `
import json, sys, zipfile, hashlib
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps({i.filename: hashlib.sha256(archive.read(i)).hexdigest() for i in archive.infolist()}))
`

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cfile-zip-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function zipOf(prompt: string): Promise<{ path: string; names: string[] }> {
  const gateway = openHarness()
  const files = await gateway.respond(prompt)
  const answer = await gateway.ask(`/containers/${files[0]?.container_id}/files.zip`)
  expect(answer.status).toBe(200)
  const path = join(folder, `${crypto.randomUUID()}.zip`)
  await writeFile(path, new Uint8Array(await answer.arrayBuffer()))
  return { path, names: files.map(({ filename }) => filename) }
}

const prompts = [
  'Save the numbers as "sales.csv".',
  'Save 60 files.',
  'Save "Größe in €.csv", "图表.csv", "😀 smile.txt" and "out/deep/a.txt".',
  'Save a 0 bytes binary file.',
  'Save a 3 MB binary file.',
  'Save "a.csv" and a 3 MB binary file. [null bytes]',
]

describe('a zip', () => {
  it.skipIf(!hasUnzip).each(prompts)('is valid for Info-ZIP: %s', async (prompt) => {
    const { path } = await zipOf(prompt)
    const { stdout } = await run('unzip', ['-t', path])
    expect(stdout).toContain('No errors detected')
  })

  it.skipIf(!hasPython).each(prompts)(
    'is valid for Python, with the right names: %s',
    async (prompt) => {
      const { path, names } = await zipOf(prompt)
      const { stdout } = await run('python3', ['-c', list, path])
      const seen = Object.keys(JSON.parse(stdout)).map((name) => name.split('/').at(-1))
      for (const name of names) expect(seen).toContain(name)
    },
  )
})
