import { describe, expect, it } from 'vitest'
import { version } from '../../src/core/observe/version.ts'
import { root, start } from '../lib/child.ts'
import { openWorld } from './world.ts'

const world = openWorld({ CFILE_API_KEYS: 'team:a-key-that-is-long-enough-for-a-test' })
const key = { CFILE_KEY: 'a-key-that-is-long-enough-for-a-test' }
const run: typeof world.run = (args, options) =>
  world.run(args, { ...options, env: { ...key, ...options?.env } })

describe('cfile', () => {
  it.each([[[]], [['help']], [['--help']], [['-h']]])('lists its commands for %o', async (args) => {
    const { code, stdout, stderr } = await run(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const name of ['serve', 'get', 'ls', 'zip', 'link', 'capture']) {
      expect(stdout).toContain(`\n  ${name} `)
    }
  })

  it('shows the help of one command for each way to ask for it', async () => {
    const [first, ...others] = await Promise.all(
      [
        ['help', 'get'],
        ['get', '--help'],
        ['get', 'cfile_1', '-h'],
      ].map((args) => run(args)),
    )
    expect(first?.stdout).toContain('-o, --output FILE')
    for (const other of others) expect(other).toEqual(first)
  })

  it('prints its version', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` })
  })

  it.each([
    [
      ['frobnicate'],
      /^cfile: There is no command "frobnicate"\. cfile help lists the commands\.\n$/,
    ],
    [['toString'], /There is no command/],
    [['help', 'captur'], /There is no command "captur"\. Did you mean "capture"\?/],
    [['get'], /^cfile: cfile get needs at least one argument\. Usage: cfile get ID/],
    [['ls', 'a', 'b'], /"b" is one too many/],
    [['get', 'a', '--frob'], /^cfile: Unknown option '--frob'\. Usage: cfile get ID/],
    [
      ['serve', 'now'],
      /^cfile: cfile serve takes no argument; it got "now"\. Usage: cfile serve \[options\]\n$/,
    ],
    [
      ['link', 'cfile_1', '--expires-in', 'soon'],
      /--expires-in takes a duration such as 45s, 30m, 1h/,
    ],
  ])('exits with 2 and prints one line for %o', async (args, line) => {
    const { code, stdout, stderr } = await run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(line)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  it.each(['get', 'ls', 'zip', 'link', 'restore'])(
    'exits with 2 where the argument of %s is no id',
    async (name) => {
      const { code, stderr } = await run([name, 'report.csv'])
      expect(stderr).toMatch(/^cfile: "report\.csv" is not a (?:file|container) id; .+\n$/)
      expect(code).toBe(2)
    },
  )

  it('sends its key to the gateway, and is refused without it', async () => {
    const [file] = await world.respond('Save a CSV')
    const args = ['get', file?.file_id ?? '']
    expect((await run(args)).code).toBe(0)
    const refused = await run([...args, '-f'], { env: { CFILE_KEY: '' } })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/^cfile: .+\n$/)
  })
})

describe('cfile ls', () => {
  it('lists the files of a container, one per line or as JSON', async () => {
    const files = await world.respond('Save a CSV called sales.csv and a text called notes.txt')
    const container = files[0]?.container_id ?? ''
    const { code, stdout } = await run(['ls', container])
    expect(code).toBe(0)
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/))
    expect(rows.map(([id]) => id).sort()).toEqual(files.map(({ file_id }) => file_id).sort())
    for (const [, bytes, time, name] of rows) {
      expect(bytes).toMatch(/^\d+$/)
      expect(time).toMatch(/^20\d\d-/)
      expect(name).toMatch(/sales\.csv|notes\.txt/)
    }
    // Aligned, so that the names begin below each other.
    const starts = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.indexOf('/mnt/data/'))
    expect(new Set(starts).size).toBe(1)
    const json = await run(['ls', container, '--json'])
    expect(JSON.parse(json.stdout)).toHaveLength(2)
  })

  it('reports a container that does not exist, and exits with 3', async () => {
    expect((await run(['ls', 'cntr_0000'])).code).toBe(3)
  })
})

describe('cfile capture', () => {
  it('records an answer from a file, from the standard input, and by its id', async () => {
    const answer = (await world.answer('Save a CSV')) as { id: string }
    for (const [argument, stdin] of [
      ['-', JSON.stringify(answer)],
      [
        '-',
        `event: response.completed\ndata: ${JSON.stringify({ type: 'response.completed', response: answer })}\n\n`,
      ],
      [answer.id, undefined],
    ] as const) {
      const { code, stdout, stderr } = await run(['capture', argument], { stdin })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^cfile_\w+ {2}cntr_\w+ {2}sales\.csv\n$/)
    }
  })

  it('reports a file that does not exist or contains no answer', async () => {
    expect((await run(['capture', 'nowhere.json'])).stderr).toMatch(/^cfile: .*nowhere\.json/)
    const broken = await run(['capture', '-'], { stdin: '{"output":' })
    expect(broken.code).toBe(1)
    expect(broken.stderr).toMatch(/^cfile: .*JSON/)
  })
})

describe('cfile without a gateway', () => {
  it('asks Azure when the environment holds the settings of a server, with a store and an archive', async () => {
    const [file] = await world.respond('Save a CSV')
    const env = {
      CFILE_URL: '',
      AZURE_OPENAI_ENDPOINT: world.url,
      AZURE_OPENAI_API_KEY: key.CFILE_KEY,
      CFILE_STORE: 'redis://127.0.0.1:1',
      CFILE_ARCHIVE: 'fs:copies',
      CFILE_ARCHIVE_MODE: 'lazy',
    }
    const { stdout, stderr } = await run(['ls', file?.container_id ?? ''], { env })
    expect(stderr).toBe('')
    expect(stdout).toContain(file?.file_id)
  })
})

describe('cfile link', () => {
  it('makes a link that works without a key until the requested time', async () => {
    const [file] = await world.respond('Save a CSV')
    const args = [
      'link',
      file?.file_id ?? '',
      '--expires-in',
      '1h30m',
      '--inline',
      '--filename',
      'a.csv',
    ]
    const { code, stdout, stderr } = await run(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const answer = await fetch(stdout.trimEnd())
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-disposition')).toContain('inline; filename="a.csv"')
    const { stdout: made } = await run([...args, '--json'])
    const { expires_at } = JSON.parse(made) as { expires_at: number }
    expect(Math.abs(expires_at - Date.now() / 1000 - 5400)).toBeLessThan(60)
  })

  it('needs a gateway that serves the link', async () => {
    const { code, stderr } = await run(['link', 'cfile_1'], { env: { CFILE_URL: '' } })
    expect(code).toBe(1)
    expect(stderr).toBe('cfile: A link leads to a gateway: set CFILE_URL to yours.\n')
  })
})

describe('--json', () => {
  it('prints the result of every command as JSON', async () => {
    const [file] = await world.respond('Save a CSV')
    const { file_id: id = '', container_id: container = '' } = file ?? {}
    const azure = { AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:9', AZURE_OPENAI_API_KEY: 'any' }
    const cases: readonly (readonly [args: string[], result: unknown, code?: number])[] = [
      [['get', id], [{ path: 'sales.csv', bytes: expect.any(Number) }]],
      [['ls', container], [expect.objectContaining({ file_id: id })]],
      [['zip', container], [{ path: `${container}.zip`, bytes: expect.any(Number) }]],
      [['link', id], { download_url: expect.any(String), expires_at: expect.any(Number) }],
      [['doctor'], { isWell: false, sections: expect.any(Array) }, 1],
      [['completion', 'fish'], { shell: 'fish', script: expect.any(String) }],
      [['help'], expect.arrayContaining([expect.objectContaining({ name: 'get' })])],
      [['version'], { version }],
    ]
    for (const [args, result, code = 0] of cases) {
      const ended = await run([...args, '--json'], { env: azure })
      expect({ args, code: ended.code, stderr: ended.stderr }).toEqual({ args, code, stderr: '' })
      expect(JSON.parse(ended.stdout)).toEqual(result)
    }
  })

  it('prints the URL of a started server, which a signal then stops', async () => {
    for (const name of ['serve', 'emulator']) {
      const args = [`${root}src/cli.ts`, name, '--json']
      const env = { PORT: '0', CFILE_STORE: 'memory:', LOG_LEVEL: 'silent' }
      const child = await start(process.execPath, name === 'serve' ? args : [...args, '-p', '0'], {
        env,
      })
      child.kill()
      const { code, stdout } = await child.ended
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ url: expect.stringContaining(child.url) })
    }
  })
})
