import { readdirSync, readFileSync } from 'node:fs'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cfile } from '../lib/child.ts'
import { sha256 } from '../lib/harness.ts'
import { hasTerminals, inTerminal } from './pty.ts'
import { openWorld } from './world.ts'

const world = openWorld()
const ctrlC = '\x03'

/** A server in front of the gateway that sends a file in pieces, then stops in the middle. */
async function openSlow({ pieces = 8, everyMs = 60 } = {}): Promise<string> {
  const server = createServer((req, res) => {
    const { method, headers } = req
    forward(world.url + req.url, { method, headers }, async (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers)
      const whole = Buffer.concat(await answer.toArray())
      for (let piece = 0; piece < pieces; piece += 1) {
        res.write(whole.subarray(piece * 100_000, (piece + 1) * 100_000))
        await new Promise((resolve) => setTimeout(resolve, everyMs))
      }
    }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function hashes(id: string, name: string): Promise<string[]> {
  const original = await (await fetch(`${world.url}/files/${id}`)).arrayBuffer()
  const saved = readFileSync(join(world.folder, name))
  return Promise.all([sha256(original), sha256(new Uint8Array(saved).buffer)])
}

describe.runIf(hasTerminals)('cfile get on a terminal', () => {
  it('shows percentage, rate and time left; exits with 130 after Ctrl-C, and the next call continues', async () => {
    const [file] = await world.respond('Save a 4 MB binary file')
    const id = file?.file_id ?? ''
    const { code, output } = await inTerminal(['get', id], {
      env: { CFILE_URL: await openSlow() },
      cwd: world.folder,
      press: { after: /\d s left/, keys: ctrlC },
    })
    expect(code).toBe(130)
    const lines = stripVTControlCharacters(output)
      .replace('^C', '')
      .split(/[\r\n]/)
    for (const line of lines) expect(line.length).toBeLessThan(80)
    expect(stripVTControlCharacters(output)).toMatch(
      /data\.bin +\d+% {2}[\d.]+ [kM]B of 4\.0 MB {2}[\d.]+ [kM]B\/s {2}\d+ s left/,
    )
    expect(output).toMatch(
      /cfile: The download was interrupted\. Run the same command again to continue it\.\n$/,
    )
    expect(output).not.toMatch(/^ +at /m)
    expect(readdirSync(world.folder)).toEqual([expect.stringMatching(/^\.cfile_.*\.part$/)])

    const again = await inTerminal(['get', id], {
      env: { CFILE_URL: world.url },
      cwd: world.folder,
    })
    expect([again.code, stripVTControlCharacters(again.output)]).toEqual([
      0,
      expect.stringMatching(/data\.bin {2}4\.0 MB\n$/),
    ])
    const [original, saved] = await hashes(id, 'data.bin')
    expect(saved).toBe(original)
  })

  it('exits with 130 in a script too, and leaves no partial file under the final name', async () => {
    const [file] = await world.respond('Save a 4 MB binary file')
    const url = await openSlow()
    const { code, output } = await inTerminal(['get', file?.file_id ?? '', '-o', '-'], {
      env: { CFILE_URL: url },
      cwd: world.folder,
      press: { after: /./, keys: ctrlC },
    })
    expect(code).toBe(130)
    expect(output).toContain('cfile: Interrupted.')
    expect(readdirSync(world.folder)).toEqual([])
  })
})

describe.runIf(hasTerminals)('cfile ls on a terminal', () => {
  const prompt = 'Save a CSV called quarterly_revenue_by_region_and_product_for_the_year_2026.csv'

  it.each([60, 80, 120])('fits in %i columns and never shortens an id', async (columns) => {
    const [file] = await world.respond(prompt)
    const { output } = await inTerminal(['ls', file?.container_id ?? ''], {
      columns,
      env: { CFILE_URL: world.url },
    })
    const [title = '', row = ''] = stripVTControlCharacters(output).trimEnd().split('\n')
    expect(title).toMatch(/^FILE ID +SIZE +CREATED +FILE$/)
    expect(row).toContain(file?.file_id)
    expect(row).toMatch(/\.csv$/)
    for (const line of [title, row]) expect(line.length).toBeLessThanOrEqual(Math.max(columns, 76))
  })

  it('writes whole names, exact numbers and no titles to a pipe', async () => {
    const [file] = await world.respond(prompt)
    const { stdout } = await world.run(['ls', file?.container_id ?? ''])
    expect(stdout).toMatch(
      /^cfile_\w+ +\d+ +20\d\d-\d\d-\d\dT[\d:]+Z +\/mnt\/data\/quarterly_revenue_by_region_and_product_for_the_year_2026\.csv\n$/,
    )
  })

  it('colours its output unless NO_COLOR is set', async () => {
    const coloured = await inTerminal(['help'])
    const plain = await inTerminal(['help'], { env: { NO_COLOR: '1' } })
    expect(coloured.output).toContain('\x1b[1mUSAGE')
    expect(plain.output).not.toContain('\x1b')
    expect(stripVTControlCharacters(coloured.output)).toBe(plain.output)
    expect((await cfile(['help'])).stdout).not.toContain('\x1b')
  })
})
