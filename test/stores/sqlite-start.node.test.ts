/** Several processes that open one new SQLite file at once, as instances do that are deployed together. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openSqlite, sqliteStore } from '../../src/stores/sqlite.ts'
import { root } from '../lib/child.ts'

declare const __LONG__: boolean
const [processes, rounds] = __LONG__ ? [8, 20] : [4, 3]

function run(source: string): ChildProcess & { readonly stdout: NodeJS.ReadableStream } {
  const args = ['--no-warnings', '--input-type=module', '--eval', source]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function outputOf(source: string): Promise<string> {
  let output = ''
  for await (const chunk of run(source).stdout) output += chunk
  return output
}

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cfile-start-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

it('opens a new file while another process writes its first tables', async () => {
  const path = join(await freshFolder(), 'cfile.db')
  const first = run(`
    import { DatabaseSync } from 'node:sqlite'
    const database = new DatabaseSync(${JSON.stringify(path)})
    database.exec('BEGIN IMMEDIATE; CREATE TABLE first (a)')
    console.log('locked')
    setTimeout(() => database.exec('COMMIT'), 300)`)
  await new Promise((resolve) => first.stdout.once('data', resolve))
  const database = await openSqlite(path)
  const store = sqliteStore({ database, now: () => 1, wait })
  expect(await store.put('key', 'value')).toBe(true)
  database.close()
})

it(`opens a new file in ${processes} processes at once, ${rounds} times`, async () => {
  const folder = await freshFolder()
  const start = Date.now() + 1500
  const source = `
    import { openSqlite, sqliteStore } from '${root}src/stores/sqlite.ts'
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    for (let round = 0; round < ${rounds}; round += 1) {
      while (Date.now() < ${start} + round * 200);
      const database = await openSqlite('${folder}/' + round + '.db')
      const store = sqliteStore({ database, now: () => 1, wait })
      await store.put('key/' + process.pid, round)
      console.log((await store.get('key/' + process.pid)) === round)
      database.close()
    }`
  const outputs = await Promise.all(Array.from({ length: processes }, () => outputOf(source)))
  expect(outputs).toEqual(outputs.map(() => 'true\n'.repeat(rounds)))
})
