import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { environment, root } from '../lib/child.ts'
import { citedFiles, sha256 } from '../lib/harness.ts'
import { openWorld } from './world.ts'

const world = openWorld()

/** A foreign server, and the requests that it got. */
async function openOther(
  answer: RequestListener,
): Promise<{ readonly url: string; readonly requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const server = createServer((req, res) => {
    requests.push(req)
    answer(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

const signIn: RequestListener = (_, res) => {
  res.setHeader('content-type', 'text/html; charset=utf-8').end('<title>Sign in</title>')
}

async function hashOf(name: string): Promise<string> {
  return sha256(new Uint8Array(readFileSync(join(world.folder, name))).buffer)
}

async function original(id = ''): Promise<string> {
  return sha256(await (await fetch(`${world.url}/files/${id}`)).arrayBuffer())
}

describe('cfile get', () => {
  it('saves all files that a response cites, by the id of the response', async () => {
    const answer = (await world.answer('Draw a chart and save a CSV')) as { id: string }
    const ids = new Set(citedFiles(answer).map(({ file_id }) => file_id))
    const { code, stdout, stderr } = await world.run(['get', answer.id, '--dir', 'out/deep'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const paths = stdout.trimEnd().split('\n')
    expect(paths).toHaveLength(ids.size)
    expect(paths).toContain('out/deep/sales.csv')
    const saved = await Promise.all(paths.map(hashOf))
    const expected = await Promise.all([...ids].map(original))
    expect(saved.sort()).toEqual(expected.sort())
  })

  it('saves files of the same name under different names', async () => {
    const files = [...(await world.respond('Save a CSV')), ...(await world.respond('Save a CSV'))]
    const { stdout } = await world.run(['get', ...files.map(({ file_id }) => file_id)])
    expect(stdout).toBe('sales.csv\nsales (2).csv\n')
    expect(readdirSync(world.folder).sort()).toEqual(['sales (2).csv', 'sales.csv'])
  })

  it('accepts links, their paths and URLs of files, without a gateway if none is needed', async () => {
    const [file] = await world.respond('Save a CSV')
    const { file_id: id = '', container_id: container = '' } = file ?? {}
    const { stdout: link } = await world.run(['link', id])
    const cases = [
      [link.trim(), ''],
      [new URL(link.trim()).pathname, world.url],
      [`${world.url}/files/${id}`, world.url],
      [`${world.url}/containers/${container}/files/${id}`, ''],
      [`${world.url}/openai/v1/containers/${container}/files/${id}/content`, world.url],
      [container, world.url],
    ] as const
    for (const [word, gateway] of cases) {
      const env = { CFILE_URL: gateway }
      const { code, stdout, stderr } = await world.run(['get', word, '-f'], { env })
      expect({ word, code, stdout, stderr }).toEqual({
        word,
        code: 0,
        stdout: 'sales.csv\n',
        stderr: '',
      })
      expect(await hashOf('sales.csv')).toBe(await original(id))
    }
  })

  it('continues with a link a download that was begun by id', async () => {
    const [file] = await world.respond('Save a CSV')
    const id = file?.file_id ?? ''
    const answer = await fetch(`${world.url}/files/${id}`)
    const whole = Buffer.from(await answer.arrayBuffer())
    const part = `.${answer.headers.get('etag')?.slice(1, -1)}.part`
    writeFileSync(join(world.folder, part), whole.subarray(0, 10))
    const { stdout: link } = await world.run(['link', id])
    expect((await world.run(['get', link.trim()])).code).toBe(0)
    expect(readdirSync(world.folder)).toEqual(['sales.csv'])
    expect(readFileSync(join(world.folder, 'sales.csv'))).toEqual(whole)
  })

  it('sends the key to its own gateway only', async () => {
    const other = await openOther((_, res) => res.end('bytes'))
    const env = { CFILE_KEY: 'a-secret-key' }
    for (const word of [`${other.url}/a.csv`, `${world.url}.${new URL(other.url).host}/x`]) {
      await world.run(['get', word, '-f'], { env })
    }
    expect(other.requests.map(({ url }) => url)).toEqual(['/a.csv'])
    expect(JSON.stringify(other.requests.map(({ rawHeaders }) => rawHeaders))).not.toContain(
      'secret',
    )
  })

  it.each(['-', 'page.csv'])(
    'refuses a sign-in page where a file was expected, for -o %s',
    async (to) => {
      const { url } = await openOther(signIn)
      for (const [word, gateway] of [
        ['cfile_1', url],
        [`${url}/report.csv`, world.url],
      ] as const) {
        const args = ['get', word, '-o', to]
        const { code, stdout, stderr } = await world.run(args, { env: { CFILE_URL: gateway } })
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
        expect(stderr).toBe(
          'cfile: The server answered with a web page, not with a file. Open the address in a browser: it may be a sign-in page, or a page that lists files.\n',
        )
      }
      expect(readdirSync(world.folder)).toEqual([])
    },
  )

  it('saves an HTML file that a gateway serves as an attachment', async () => {
    const { url } = await openOther((_, res) => {
      res.setHeader('content-type', 'text/html')
      res.setHeader('content-disposition', 'attachment; filename="report.html"').end('<p>')
    })
    const { stdout } = await world.run(['get', 'cfile_1'], { env: { CFILE_URL: url } })
    expect(stdout).toBe('report.html\n')
  })

  it('reports where a gateway redirects to, and does not follow with the key', async () => {
    const { url, requests } = await openOther((_, res) => {
      res.writeHead(302, { location: 'https://login.example.com/authorize?secret=1' }).end()
    })
    const { code, stderr } = await world.run(['get', 'cfile_1'], { env: { CFILE_URL: url } })
    expect(code).toBe(1)
    expect(stderr).toBe(
      'cfile: CFILE_URL redirects to login.example.com instead of answering. It may want you to sign in first.\n',
    )
    expect(requests).toHaveLength(1)
  })

  it('removes bytes that do not match the SHA-256 of the gateway', async () => {
    const { url } = await openOther((_, res) => {
      res.setHeader('repr-digest', `sha-256=:${Buffer.alloc(32).toString('base64')}:`)
      res.setHeader('content-disposition', 'attachment; filename="a.csv"').end('other bytes')
    })
    const { code, stderr } = await world.run(['get', 'cfile_1'], { env: { CFILE_URL: url } })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^cfile: The bytes that came do not match their SHA-256\./)
    expect(readdirSync(world.folder)).toEqual([])
  })

  it('saves what it can of several files, names the others, and exits with 3 if they do not exist', async () => {
    const [file] = await world.respond('Save a CSV')
    const { code, stdout, stderr } = await world.run(['get', 'cfile_0000', file?.file_id ?? ''])
    expect({ code, stdout }).toEqual({ code: 3, stdout: 'sales.csv\n' })
    expect(stderr).toMatch(/^cfile: cfile_0000: .+\n$/)
  })

  it.each([
    [
      ['get', 'cfile_1', 'cfile_2', '-o', 'x'],
      /--output takes one file, and these are 2; use --dir/,
    ],
    [['get', 'cfile_1', '-o', 'x', '-D', 'y'], /--output and --dir exclude each other/],
    [['get', 'cfile_1', '-o', '-', '--json'], /--json and --output - exclude each other/],
    [['get', 'https://user:hush@example.com/x'], /^(?!.*hush).*A URL must not hold a user name/],
    [['get', 'https://['], /is not a URL/],
  ])('ends with 2 for %o', async (args, says) => {
    const { code, stderr } = await world.run(args)
    expect(code).toBe(2)
    expect(stderr).toMatch(says)
  })

  it.each(['SIGINT' as const])('exits with 130 after %s in a script', async (signal) => {
    const { url } = await openOther((_, res) => {
      res.setHeader('content-length', 100).write('half')
    })
    const child = spawn(process.execPath, [`${root}src/cli.ts`, 'get', 'cfile_1'], {
      cwd: world.folder,
      env: environment({ CFILE_URL: url }),
    })
    await expect.poll(() => readdirSync(world.folder), { timeout: 60_000 }).toHaveLength(1)
    child.kill(signal)
    expect(await once(child, 'close')).toEqual([130, null])
    expect(readdirSync(world.folder)).toEqual([])
  })
})

describe('a pipe whose reader closes it', () => {
  it.each([
    ['a download', ['get', '-o', '-']],
    ['a list', ['ls']],
    ['the help', ['help']],
  ])('ends %s without a message', async (_, [name = '', ...options]) => {
    const [file] = await world.respond('Save a 4 MB binary file')
    const words = { get: [file?.file_id ?? ''], ls: [file?.container_id ?? ''] }[name] ?? []
    const child = spawn(process.execPath, [`${root}src/cli.ts`, name, ...words, ...options], {
      env: environment({ CFILE_URL: world.url }),
    })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text
    })
    if (name === 'get') await once(child.stdout, 'data')
    child.stdout.destroy()
    expect(await once(child, 'close')).toEqual([0, null])
    expect(errors).toBe('')
  })
})
