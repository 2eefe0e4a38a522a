/**
 * `cfile webhook`: registers this gateway at Azure, lists what is registered, removes it.
 *
 * @module
 */

import { type Command, readWords, UsageError } from './args.ts'
import { type Ask, openGateway } from './gateway.ts'
import { align } from './table.ts'

const path = '/openai/v1/dashboard/webhook_endpoints'

/** A registration, as Azure tells of it. */
interface Endpoint {
  readonly id: string
  readonly name?: string
  readonly url?: string
  readonly event_types?: readonly string[]
}

/** `cfile webhook create URL`, `cfile webhook list`, `cfile webhook delete ID` */
export const webhookCommand: Command = {
  usage: 'create URL [--name NAME] | list | delete ID [--json]',
  summary: 'have Azure tell a gateway at URL/webhooks when background answers end',
  async run(args) {
    const { words, values } = readWords(args, {
      name: { type: 'string' },
      json: { type: 'boolean' },
    })
    const [verb, argument, ...more] = words
    if (more.length > 0) throw new UsageError(`"${more[0]}" is one argument too many.`)
    const ask = await openGateway(process.env)
    if (verb === 'list' && argument === undefined) return list(ask, values.json)
    if (verb === 'create' && argument !== undefined) return create(ask, argument, values)
    if (verb === 'delete' && argument !== undefined) return remove(ask, argument, values.json)
    throw new UsageError('It takes create URL, list, or delete ID.')
  },
}

async function create(
  ask: Ask,
  base: string,
  { name = 'cfile', json }: { readonly name?: string; readonly json?: boolean },
): Promise<number> {
  if (!URL.canParse(base) || new URL(base).protocol !== 'https:') {
    throw new UsageError('URL is the public https URL of the gateway.')
  }
  const trimmed = base.replace(/\/+$/, '')
  const url = trimmed.endsWith('/webhooks') ? trimmed : `${trimmed}/webhooks`
  const body = { name, url, event_types: ['response.completed', 'response.incomplete'] }
  const answer = await ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const made: unknown = await answer.json()
  const secret = /"(whsec_[^"]+)"/.exec(JSON.stringify(made))?.[1]
  if (json) return print(JSON.stringify(made, null, 2))
  return print(
    `${idOf(made)} is registered for ${url}.\n` +
      (secret === undefined
        ? 'Azure showed no secret.'
        : `Azure shows its secret only now. Set it where the gateway runs:\nCFILE_WEBHOOK_SECRETS=${secret}`),
  )
}

async function list(ask: Ask, asJson = false): Promise<number> {
  const { data } = (await (await ask(path)).json()) as { data: readonly Endpoint[] }
  if (asJson) return print(JSON.stringify(data, null, 2))
  const rows = data.map(({ id, name = '-', url = '-' }) => [id, name, url])
  return rows.length === 0 ? 0 : print(align(rows).join('\n'))
}

async function remove(ask: Ask, id: string, asJson = false): Promise<number> {
  const answer = await ask(`${path}/${encodeURIComponent(id)}`, { method: 'DELETE' })
  const body: unknown = await answer.json()
  return print(asJson ? JSON.stringify(body, null, 2) : `${id} is deleted.`)
}

function idOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'id' in value ? String(value.id) : 'It'
}

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}
