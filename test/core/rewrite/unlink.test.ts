import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSigner } from '../../../src/core/links/signer.ts'
import type { LinkMaker } from '../../../src/core/rewrite/link-maker.ts'
import { linkAnswer } from '../../../src/core/rewrite/linker.ts'
import { toCarriedPath } from '../../../src/core/rewrite/text/sandbox-links.ts'
import { unlinkBytes } from '../../../src/core/rewrite/unlink.ts'
import { atOnce } from '../../lib/at-once.ts'
import { rounds } from '../../lib/rounds.ts'

const publicUrl = 'https://files.example/cfile'
const container = `cntr_${'0'.repeat(48)}`
const signer = createSigner([{ kid: 'k1', secret: new Uint8Array(32) }])

const link = (path: string): Promise<string> =>
  signer.sign(publicUrl, {
    kind: 'path',
    containerId: container,
    path,
    expiresAt: 1_790_000_000,
  })

const links: LinkMaker = {
  file: async ({ file_id: fileId, container_id: containerId, filename }) => {
    const expiresAt = 1_790_000_000
    const grant = { kind: 'file', fileId, containerId, filename, expiresAt } as const
    return { download_url: await signer.sign(publicUrl, grant), expires_at: expiresAt }
  },
  path: async (_, path) => ({
    download_url: await link(path),
    expires_at: 1_790_000_000,
  }),
}

interface Written {
  readonly text: string
  readonly span: readonly [number, number]
}

/** An answer with one text that links to a file, as JSON in an unusual but valid layout. */
function answer({ text, span }: Written, filename: string): string {
  const annotation = {
    type: 'container_file_citation',
    container_id: container,
    file_id: `cfile_${'0'.repeat(32)}`,
    filename,
    start_index: span[0],
    end_index: span[1],
  }
  const file = { type: 'file_citation', file_id: 'file-1', index: [...text].length }
  const call = { type: 'code_interpreter_call', id: 'ci_1', container_id: container }
  const part = { type: 'output_text', text, annotations: [annotation, file], logprobs: [] }
  const message = { type: 'message', id: 'msg_1', role: 'assistant', content: [part] }
  return JSON.stringify({ object: 'response', id: 'resp_1', output: [call, message] }, null, 1)
}

/** The request body as it goes to the upstream. */
function unlink(json: string): string {
  const bytes = new TextEncoder().encode(json)
  return new TextDecoder().decode(atOnce(unlinkBytes(bytes, publicUrl)))
}

/** The next request, which replays the output of an answer unchanged. */
function replay(json: string): string {
  const output = json.slice(json.indexOf('"output":') + 9, json.lastIndexOf('}'))
  return `{"model":"m","seed":1.50,"input":${output}}`
}

const prefixes = ['sandbox:/mnt/data/', 'sandbox://mnt/data/', 'sandbox:///mnt/data/']
const names = [
  'sales.csv',
  'für alle.csv',
  '😀 chart.png',
  'a (1).csv',
  'a%20b.csv',
  'x.html?',
  'q\\_1.csv',
  'sandbox://mnt/data/a.csv',
]
const targets = fc.record({
  prefix: fc.constantFrom(...prefixes),
  name: fc.constantFrom(...names),
})

describe('a replayed answer', () => {
  it.each(['annotate', 'rewrite'] as const)(
    'is restored to the bytes of the upstream: %s',
    async (mode) => {
      const word = fc
        .string({ unit: 'grapheme', maxLength: 12 })
        .filter((text) => !/[\]<>"'`]/.test(text))
      await fc.assert(
        fc.asyncProperty(word, word, targets, async (before, after, { prefix, name }) => {
          const target = prefix + name
          const head = `${before} [file](`
          const text = `${head}${target}) ${after}`
          const span = [head.length, head.length + target.length] as const
          const json = answer({ text, span }, name)
          const linked = await linkAnswer(json, { links, mode })
          expect(linked).not.toBe(json)
          expect(unlink(replay(linked))).toBe(replay(json))
        }),
        { numRuns: rounds(50) },
      )
    },
  )

  it('keeps every byte when a restored name is longer than its link', async () => {
    const name = '"'.repeat(400)
    const text = await link(name)
    const part = (said: string): object => ({ type: 'output_text', text: said, annotations: [] })
    const body = (said: string): string => {
      const message = { role: 'assistant', content: [part(said)] }
      return JSON.stringify({ input: Array.from({ length: 50 }, () => message) })
    }
    const linked = body(text.slice(0, text.lastIndexOf('/')))
    const expected = body(`sandbox:/mnt/data/${name}`)
    expect(expected.length).toBeGreaterThan(linked.length)
    expect(unlink(linked)).toBe(expected)
  })

  it('equals the original answer, with any text around its links', async () => {
    const piece = fc.constantFrom(
      ...prefixes,
      ...[
        'a.csv',
        'out/',
        'a b',
        '.',
        '_',
        '**',
        '](',
        ')',
        ' ',
        '"',
        '\\',
        '\n',
        '（',
        '）',
        '】',
      ],
      ...[
        '.xlsx',
        '%20',
        '/',
        '..',
        '已',
        '😀',
        '~',
        '-',
        'x',
        '{"a":"',
        '"}',
        '<',
        '>',
        '|',
        '&amp;',
      ],
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        const json = answer({ text: pieces.join(''), span: [0, 0] }, 'a.csv')
        const linked = await linkAnswer(json, { links, mode: 'rewrite' })
        expect(unlink(replay(linked))).toBe(replay(json))
      }),
      { numRuns: rounds(500), seed: 1 },
    )
  })

  it('is restored where citations had turned names into links', async () => {
    const word = fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .filter((text) => !/[`<[]/.test(text))
    const bare = fc.constantFrom('chart.png', '😀 chart.png', 'report[1].csv', 'für alle (2).csv')
    await fc.assert(
      fc.asyncProperty(word, word, bare, fc.boolean(), async (before, after, name, isUtf16) => {
        const text = `${before} ${name}${after}`
        const count = (part: string) => (isUtf16 ? part.length : [...part].length)
        const start = count(`${before} `)
        // Our URL is ASCII, so a replayed answer does not show how a name with an emoji was counted.
        const span = [start, start + name.length] as const
        const json = answer({ text, span }, name)
        const linked = await linkAnswer(json, { links, mode: 'rewrite' })
        expect(unlink(replay(linked))).toBe(replay(json))
      }),
      { numRuns: rounds(100), seed: 1 },
    )
    const json = answer({ text: 'Generated chart.png.', span: [10, 19] }, 'chart.png')
    expect(await linkAnswer(json, { links, mode: 'rewrite' })).toContain(']('.concat(publicUrl))
  })

  it('is restored if its link stands in a plain text or has escaped slashes', async () => {
    const url = await link('a.csv')
    const body = { input: [{ role: 'assistant', content: `See ${url}. And ${url}` }] }
    const want = {
      input: [
        { role: 'assistant', content: 'See sandbox:/mnt/data/a.csv. And sandbox:/mnt/data/a.csv' },
      ],
    }
    expect(unlink(JSON.stringify(body))).toBe(JSON.stringify(want))
    const escaped = JSON.stringify(body).replaceAll('/', '\\/')
    expect(JSON.parse(unlink(escaped))).toEqual(want)
  })
})

describe('a link in a replayed text', () => {
  const said = (content: string) => JSON.stringify({ input: [{ role: 'assistant', content }] })
  const anyPath = fc
    .oneof(fc.constantFrom(...names, 'out/a.csv', 'a\\_b.csv', 's', '..'), fc.string())
    .filter((path) => path !== '')

  it('becomes exactly the text that the model wrote, in any surroundings', async () => {
    const around = fc.constantFrom('', '.', '_', '**', ' ', '/', ')', '。', '"', 'x', '?', '-')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(anyPath, fc.constantFrom(1, 2, 3), around), { maxLength: 4 }),
        async (parts) => {
          const rewritten: string[] = []
          const original: string[] = []
          for (const [name, slashes, after] of parts) {
            const written = `sandbox:${'/'.repeat(slashes)}mnt/data/${name.toWellFormed()}`
            rewritten.push((await link(toCarriedPath(written))) + after)
            original.push(written + after)
          }
          const body = said(rewritten.join(''))
          expect(unlink(body)).toBe(said(original.join('')))
        },
      ),
      { seed: 1, numRuns: rounds(300) },
    )
  })

  it('is recognised by its token, even if its name is missing or changed', async () => {
    const url = await link('out/sales (1).csv')
    const [whole, token] = [url, url.slice(0, url.lastIndexOf('/'))]
    const bare = 'sandbox:/mnt/data/out/sales (1).csv'
    const texts = [
      [`[a](${whole})`, `[a](${bare})`],
      [`[a](${token})`, `[a](${bare})`],
      [`[a](${token}/)`, `[a](${bare})`],
      [`see ${token}/other.csv.`, `see ${bare}.`],
      [`see ${whole.replaceAll('%20', '%2520')}, and`, `see ${bare}, and`],
    ]
    for (const [text = '', want = ''] of texts) {
      expect(unlink(said(text))).toBe(said(want))
    }
  })

  it('stays if it leads to a file, a page or a zip whose name the model did not write', async () => {
    const common = { containerId: container, expiresAt: 1_790_000_000 }
    for (const grant of [
      { kind: 'file', fileId: 'cfile_a', ...common },
      { kind: 'page', ...common },
      { kind: 'zip', ...common },
    ] as const) {
      const body = said(await signer.sign(publicUrl, grant))
      expect(unlink(body)).toBe(body)
    }
  })
})

describe('foreign text', () => {
  it('stays: the user’s own words, links of other hosts, broken links, unknown fields', async () => {
    const url = await link('a.csv')
    const foreign = url.replace('files.example', 'evil.example')
    const bodies = [
      { input: url },
      { input: [{ role: 'user', content: url }] },
      { input: [{ role: 'user', content: [{ type: 'input_text', text: url }] }] },
      { input: [{ role: 'assistant', content: foreign }] },
      { input: [{ role: 'assistant', content: url.replace('.', '') }] },
      {
        input: [{ role: 'assistant', content: `${publicUrl}/s/a.csv` }],
      },
      { metadata: { download_url: 'x' }, input: [] },
      {
        input: [
          {
            role: 'assistant',
            content: [
              {
                type: 'output_text',
                text: '',
                annotations: [{ type: 'url_citation', download_url: 'x' }],
              },
            ],
          },
        ],
      },
    ]
    for (const body of bodies) {
      expect(unlink(JSON.stringify(body))).toBe(JSON.stringify(body))
    }
  })

  it('passes unchanged', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const hinted = `{"input":[{"a":${text}}, ${text}],"b":"download_url"}`
        for (const body of [text, hinted]) expect(unlink(body)).toBe(body)
      }),
      { numRuns: rounds(200) },
    )
  })
})
