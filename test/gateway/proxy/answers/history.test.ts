import { describe, expect, it } from 'vitest'
import { answerUpstream, contentOf } from '../../../fixtures/answer-upstream.ts'
import { openCallers } from '../../../lib/callers.ts'
import { errorCode, type Harness, json, openHarness } from '../../../lib/harness.ts'

const link = '[a](sandbox:/mnt/data/a.csv)'

function cite(container_id: string, file_id: string) {
  const span = { start_index: 4, end_index: 27 }
  return { type: 'container_file_citation', container_id, file_id, filename: 'a.csv', ...span }
}

const call = (id: string, container_id: string) => ({
  type: 'code_interpreter_call',
  id,
  container_id,
})

const say = (id: string, text: string, annotations: readonly object[] = []) => ({
  type: 'message',
  id,
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations }],
})

// Oldest first.
const items = [
  { type: 'message', id: 'msg_0', role: 'user', content: [{ type: 'input_text', text: link }] },
  call('ci_1', 'cntr_a1'),
  say('msg_1', link, [cite('cntr_a1', 'cfile_cntr_a1_0')]),
  call('ci_2', 'cntr_b2'),
  say('msg_2', link),
  say('msg_3', link, [cite('cntr_c3', 'cfile_cntr_c3_0')]),
]
const listOf = (data: readonly object[]) => ({ object: 'list', data, has_more: false })
const newestFirst = listOf(items.toReversed())

const answer = {
  response: {
    id: 'resp_1',
    object: 'response',
    conversation: { id: 'conv_1' },
    output: items.slice(1, 5),
  },
}

const upstream = answerUpstream(() => answer, ['a.csv'], {
  '/responses/resp_1/input_items': newestFirst,
  '/conversations/conv_1/items': newestFirst,
  '/conversations/conv_1/items/msg_1': items[2] ?? {},
})
const oldestFirst = answerUpstream(() => answer, ['a.csv'], {
  '/conversations/conv_1/items': listOf(items),
})

type Asking = Pick<Harness, 'ask'>

const request = json({ model: 'gpt-4.1', input: 'x' })

interface Item {
  readonly id: string
  readonly content?: {
    readonly text: string
    readonly annotations?: { readonly download_url?: string }[]
  }[]
}

async function read({ ask }: Asking, path: string): Promise<Map<string, Item>> {
  const { data } = (await (await ask(`/openai/v1${path}`)).json()) as { data: Item[] }
  return new Map(data.map((item) => [item.id, item]))
}

async function follow({ ask }: Asking, url = ''): Promise<string> {
  if (!url.startsWith('http')) return url
  const { pathname, search } = new URL(url)
  return (await ask(pathname + search)).text()
}

function textOf(item: Item | undefined): string {
  return item?.content?.[0]?.text ?? ''
}

const urlIn = (item: Item | undefined) => /\]\(([^)]*)\)/.exec(textOf(item))?.[1]

describe('echoed history', () => {
  it.each(['/responses/resp_1/input_items', '/conversations/conv_1/items'])(
    '%s has links for the files that are recorded',
    async (path) => {
      const gateway = openHarness({ links: 'rewrite', ...upstream })
      await gateway.ask('/openai/v1/responses', request)
      const history = await read(gateway, path)
      const [first, second] = [history.get('msg_1'), history.get('msg_2')]
      const fromA = contentOf('cntr_a1', 'a.csv')
      expect(await follow(gateway, urlIn(first))).toBe(fromA)
      const [cited] = first?.content?.[0]?.annotations ?? []
      expect(await follow(gateway, cited?.download_url)).toBe(fromA)
      expect(await follow(gateway, urlIn(second))).toBe(contentOf('cntr_b2', 'a.csv'))
      expect(textOf(history.get('msg_0'))).toBe(link)
    },
  )

  it('is read in the requested order', async () => {
    const gateway = openHarness({ links: 'rewrite', ...oldestFirst })
    await gateway.ask('/openai/v1/responses', request)
    const history = await read(gateway, '/conversations/conv_1/items?order=asc')
    const urls = [urlIn(history.get('msg_1')), urlIn(history.get('msg_2'))]
    expect(await Promise.all(urls.map((url) => follow(gateway, url)))).toEqual([
      contentOf('cntr_a1', 'a.csv'),
      contentOf('cntr_b2', 'a.csv'),
    ])
  })

  it('has links in a single item', async () => {
    const gateway = openHarness({ links: 'rewrite', ...upstream })
    await gateway.ask('/openai/v1/responses', request)
    const answer = await gateway.ask('/openai/v1/conversations/conv_1/items/msg_1')
    const item = (await answer.json()) as Item
    expect(await follow(gateway, urlIn(item))).toBe(contentOf('cntr_a1', 'a.csv'))
  })

  it('captures nothing, and links nothing without a record', async () => {
    const gateway = openHarness({ links: 'rewrite', ...upstream })
    await gateway.ask('/openai/v1/responses', request)
    const history = await read(gateway, '/conversations/conv_1/items')
    const foreign = history.get('msg_3')
    expect(foreign).toEqual(items[5])
    const refused = await gateway.ask('/files/cfile_cntr_c3_0')
    expect(await errorCode(refused)).toBe('container_unknown')
  })

  it('links nothing of another owner', async () => {
    const gateway = openCallers({ links: 'rewrite', ...upstream })
    await gateway.as('ann').ask('/openai/v1/responses', request)
    await gateway.give('bob', 'response', 'resp_1')
    const answer = await gateway.as('bob').ask('/openai/v1/responses/resp_1/input_items')
    expect(await answer.json()).toEqual(newestFirst)
    const own = await gateway.as('ann').ask('/openai/v1/responses/resp_1/input_items')
    expect(JSON.stringify(await own.json())).toContain('download_url')
  })

  it.each([
    ['off', false, false],
    ['annotate', true, false],
  ] as const)('with CFILE_LINKS=%s', async (links, isAnnotated, isRewritten) => {
    const gateway = openHarness({ links, ...upstream })
    await gateway.ask('/openai/v1/responses', request)
    const history = await read(gateway, '/conversations/conv_1/items')
    const text = JSON.stringify(history.get('msg_1'))
    expect(text.includes('download_url')).toBe(isAnnotated)
    expect(!text.includes('sandbox:')).toBe(isRewritten)
  })
})
