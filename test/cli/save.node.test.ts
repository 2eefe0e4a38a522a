import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../lib/harness.ts'
import { openCutter, openWorld } from './world.ts'

const world = openWorld()
const { run, respond } = world
const path = (name: string) => join(world.folder, name)

async function original(id: string): Promise<string> {
  return sha256(await (await fetch(`${world.url}/files/${id}`)).arrayBuffer())
}
async function hashOf(name: string): Promise<string> {
  return sha256(new Uint8Array(readFileSync(path(name))).buffer)
}

describe('cfile get', () => {
  it('saves a file under its own name with the same bytes, and prints the name', async () => {
    const [, file] = await respond('Draw a chart')
    const { code, stdout, stderr } = await run(['get', file?.file_id ?? ''])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'sales_chart.png\n', stderr: '' })
    expect(readdirSync(world.folder)).toEqual(['sales_chart.png'])
    expect(await hashOf('sales_chart.png')).toBe(await original(file?.file_id ?? ''))
  })

  it('never replaces a file without -f', async () => {
    const [file] = await respond('Save a CSV')
    const id = file?.file_id ?? ''
    writeFileSync(path('sales.csv'), 'mine')
    for (const args of [[], ['-o', 'sales.csv']]) {
      const { code, stderr } = await run(['get', id, ...args])
      expect(code).toBe(1)
      expect(stderr).toMatch(/^cfile: sales\.csv exists already\. Add -f .*\n$/)
    }
    expect(readFileSync(path('sales.csv'), 'utf8')).toBe('mine')
    expect(readdirSync(world.folder)).toEqual(['sales.csv'])
    expect((await run(['get', id, '-f'])).code).toBe(0)
    expect(await hashOf('sales.csv')).toBe(await original(id))
  })

  it('writes to the standard output for -o -', async () => {
    const [file] = await respond('Save a CSV')
    const { stdout, code } = await run(['get', file?.file_id ?? '', '-o', '-'])
    expect(code).toBe(0)
    expect(stdout).toBe(await (await fetch(`${world.url}/files/${file?.file_id}`)).text())
    expect(readdirSync(world.folder)).toEqual([])
  })

  it('continues where the connection broke, and requests no byte twice', async () => {
    const [file] = await respond('Save a 4 MB binary file')
    const cutter = await openCutter(world.url, { after: 1_000_000, times: 2 })
    const env = { CFILE_URL: cutter.url }
    const { code, stderr } = await run(['get', file?.file_id ?? '', '-o', 'big'], { env })
    cutter.close()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(cutter.ranges).toHaveLength(3)
    expect(cutter.ranges[0]).toBeUndefined()
    const starts = cutter.ranges
      .slice(1)
      .map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]))
    expect(starts[0]).toBeGreaterThan(500_000)
    expect(starts[1]).toBeGreaterThan(starts[0] ?? 0)
    expect(await hashOf('big')).toBe(await original(file?.file_id ?? ''))
    expect(readdirSync(world.folder)).toEqual(['big'])
  })

  it('keeps the received part when it gives up, and the next call continues it', async () => {
    const [file] = await respond('Save a 4 MB binary file')
    const id = file?.file_id ?? ''
    const cutter = await openCutter(world.url, { after: 200_000, times: 5 })
    const failed = await run(['get', id], { env: { CFILE_URL: cutter.url } })
    cutter.close()
    expect(failed.code).toBe(1)
    expect(failed.stderr).toMatch(
      /^cfile: The download broke off: .* Run the same command again to continue it/,
    )
    const [part = ''] = readdirSync(world.folder)
    expect(part).toMatch(/^\.cfile_.*\.part$/)
    expect(statSync(path(part)).size).toBeGreaterThan(0)
    const { code } = await run(['get', id])
    expect(code).toBe(0)
    const [name = ''] = readdirSync(world.folder)
    expect(name).toBe('data.bin')
    expect(await hashOf(name)).toBe(await original(id))
  })

  it('starts again when the saved part belongs to another version of the file', async () => {
    const [file] = await respond('Save a CSV')
    const id = file?.file_id ?? ''
    writeFileSync(path(`.${id}.zzz.part`), 'x'.repeat(10))
    expect((await run(['get', id])).code).toBe(0)
    expect(await hashOf('sales.csv')).toBe(await original(id))
  })

  it('completes a part that has all bytes but not its name', async () => {
    const [file] = await respond('Save a CSV')
    const id = file?.file_id ?? ''
    const answer = await fetch(`${world.url}/files/${id}`)
    const etag = answer.headers.get('etag')?.slice(1, -1)
    writeFileSync(path(`.${etag}.part`), Buffer.from(await answer.arrayBuffer()))
    expect((await run(['get', id])).code).toBe(0)
    expect(readdirSync(world.folder)).toEqual(['sales.csv'])
    expect(await hashOf('sales.csv')).toBe(await original(id))
  })

  it('saves nothing outside the folder and no hidden file for any name that a gateway sends', async () => {
    const names = ['../../evil.txt', '.bashrc', '..', `${'ü'.repeat(300)}.csv`]
    const server = createServer((req, res) => {
      const name = names[Number(req.url?.split('_').at(-1))] ?? ''
      const coded = encodeURIComponent(name)
      res.setHeader('content-disposition', `attachment; filename*=UTF-8''${coded}`).end('bytes')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const env = { CFILE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    const printed: string[] = []
    for (const index of names.keys()) {
      const { stdout, code } = await run(['get', `cfile_${index}`], { env })
      expect(code).toBe(0)
      printed.push(stdout.trimEnd())
    }
    server.close()
    expect(printed.slice(0, 3)).toEqual(['_._.._evil.txt', '_bashrc', '__'])
    expect(printed[3]).toMatch(/^ü+\.csv$/)
    expect(readdirSync(world.folder).sort()).toEqual([...printed].sort())
  })

  it('reports a missing file in one line, and exits with 3', async () => {
    const { code, stderr, stdout } = await run(['get', 'cfile_0000'])
    expect(code).toBe(3)
    expect(stdout).toBe('')
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(/^cfile: .*container/)
    expect(readdirSync(world.folder)).toEqual([])
  })

  it('asks Azure itself without CFILE_URL', async () => {
    const [file] = await respond('Save a CSV')
    const straight = {
      CFILE_URL: undefined,
      AZURE_OPENAI_ENDPOINT: world.url,
      AZURE_OPENAI_API_KEY: 'any',
    }
    const alone = await run(['get', file?.file_id ?? ''], { env: straight })
    expect(alone.code).toBe(3)
    const named = ['get', file?.file_id ?? '', '--container', file?.container_id ?? '']
    expect(await run(named, { env: straight })).toMatchObject({ code: 0, stdout: 'sales.csv\n' })
    expect(await hashOf('sales.csv')).toBe(await original(file?.file_id ?? ''))
    const nobody = await run(named, { env: { CFILE_URL: undefined } })
    expect(nobody.stderr).toMatch(/^cfile: There is no server to ask: set CFILE_URL/)
  })
})

describe('cfile zip', () => {
  const containerOf = async (prompt: string): Promise<string> =>
    (await respond(prompt))[0]?.container_id ?? ''
  const zipOf = async (id: string): Promise<string> =>
    sha256(await (await fetch(`${world.url}/containers/${id}/files.zip`)).arrayBuffer())

  it('saves all files of a container with the same bytes, and prints the name', async () => {
    const id = await containerOf('Draw a chart and save a CSV')
    const { code, stdout, stderr } = await run(['zip', id])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${id}.zip\n`, stderr: '' })
    expect(readdirSync(world.folder)).toEqual([`${id}.zip`])
    expect(await hashOf(`${id}.zip`)).toBe(await zipOf(id))
    const zip = readFileSync(path(`${id}.zip`), 'latin1')
    for (const name of ['sales_chart.png', 'sales.csv']) expect(zip).toContain(name)
  })

  it('accepts another name, and never replaces a file without -f', async () => {
    const id = await containerOf('Save a CSV')
    writeFileSync(path('all.zip'), 'mine')
    const { code, stderr } = await run(['zip', id, '-o', 'all.zip'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^cfile: all\.zip exists already\. Add -f .*\n$/)
    expect(readFileSync(path('all.zip'), 'utf8')).toBe('mine')
    expect((await run(['zip', id, '-f', '-o', 'all.zip'])).code).toBe(0)
    expect(await hashOf('all.zip')).toBe(await zipOf(id))
  })

  it('starts again when the connection breaks, since a zip has no ranges', async () => {
    const id = await containerOf('Save a 4 MB binary file')
    const cutter = await openCutter(world.url, { after: 1_000_000, times: 1 })
    const { code, stderr } = await run(['zip', id], { env: { CFILE_URL: cutter.url } })
    cutter.close()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(cutter.ranges).toEqual([undefined, undefined])
    expect(readdirSync(world.folder)).toEqual([`${id}.zip`])
    expect(await hashOf(`${id}.zip`)).toBe(await zipOf(id))
  })

  it('reports a missing container in one line, and exits with 3', async () => {
    const { code, stdout, stderr } = await run(['zip', `cntr_${'0'.repeat(48)}`])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^cfile: .+\n$/)
    expect(readdirSync(world.folder)).toEqual([])
  })
})

describe('cfile get, when the gateway', () => {
  it.each([
    ['is none', 'http://127.0.0.1:2', /^cfile: CFILE_URL does not answer: ECONNREFUSED\.\n$/],
    ['is no URL', 'gateway', /^cfile: CFILE_URL takes the http or https URL of a gateway\.\n$/],
  ])('%s', async (_, url, line) => {
    const { code, stderr } = await run(['get', 'cfile_1'], { env: { CFILE_URL: url } })
    expect(code).toBe(1)
    expect(stderr).toMatch(line)
  })
})
