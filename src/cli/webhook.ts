/**
 * `cfile webhook`: registers a gateway at Azure, lists registrations, removes one.
 *
 * @module
 */

import { type Command, defineCommand, print, type Terminal, UsageError } from './command.ts'
import { type Ask, listField, openGateway, textField } from './gateway.ts'
import { type Column, formatTable } from './text.ts'

const path = '/openai/v1/dashboard/webhook_endpoints'

/** `cfile webhook` */
export const webhookCommand: Command = defineCommand({
  name: 'webhook',
  usage: 'create URL | list | delete ID',
  summary: 'Have Azure report to a gateway when background answers end',
  arguments: [
    ['create URL', 'Register the gateway at this public https URL. Prints its secret, once.'],
    ['list', 'List the registrations.'],
    ['delete ID', 'Remove a registration.'],
  ],
  options: {
    name: { type: 'string', value: 'NAME', help: 'For create: the name at Azure. Default: cfile.' },
  },
  choices: ['create', 'list', 'delete'],
  examples: [
    ['Register a gateway', 'webhook create https://files.example.com'],
    ['List the registrations', 'webhook list'],
  ],
  takes: 'many',
  async run({ words, values }, terminal) {
    const [verb, argument, ...more] = words
    if (more.length > 0) throw new UsageError(`"${more[0]}" is one argument too many.`)
    const act = readVerb(verb, argument)
    if (act === undefined) throw new UsageError('It takes create URL, list, or delete ID.')
    return act(await openGateway(terminal), terminal, values)
  },
})

interface Values {
  readonly name?: string
  readonly json?: boolean
}
type Act = (ask: Ask, terminal: Terminal, values: Values) => Promise<number>

function readVerb(verb: string | undefined, argument: string | undefined): Act | undefined {
  if (verb === 'list' && argument === undefined) return list
  if (argument === undefined) return undefined
  if (verb === 'create') {
    const url = webhookUrl(argument)
    return (...means) => create(url, ...means)
  }
  if (verb === 'delete') return (...means) => remove(argument, ...means)
  return undefined
}

/** Returns the URL that Azure will call. @throws UsageError */
function webhookUrl(base: string): string {
  if (!URL.canParse(base) || new URL(base).protocol !== 'https:') {
    throw new UsageError('URL is the public https URL of the gateway.')
  }
  const trimmed = base.replace(/\/+$/, '')
  return trimmed.endsWith('/webhooks') ? trimmed : `${trimmed}/webhooks`
}

async function create(
  url: string,
  ask: Ask,
  terminal: Terminal,
  { name = 'cfile', json }: Values,
): Promise<number> {
  const body = { name, url, event_types: ['response.completed', 'response.incomplete'] }
  const answer = await ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const made: unknown = await answer.json()
  const secret = /"(whsec_[^"]+)"/.exec(JSON.stringify(made))?.[1]
  const advice =
    secret === undefined
      ? 'Azure showed no secret.'
      : `Azure shows its secret only now. Set it where the gateway runs:\nCFILE_WEBHOOK_SECRETS=${secret}`
  const text = () => `${textField(made, 'id') ?? 'It'} is registered for ${url}.\n${advice}`
  print(terminal, { json, value: made, text })
  return 0
}

const columns: readonly Column<unknown>[] = [
  { title: 'ID', value: (endpoint) => textField(endpoint, 'id') ?? '-' },
  { title: 'NAME', isFlexible: true, value: (endpoint) => textField(endpoint, 'name') ?? '-' },
  { title: 'URL', isFlexible: true, value: (endpoint) => textField(endpoint, 'url') ?? '-' },
]

async function list(ask: Ask, terminal: Terminal, { json }: Values): Promise<number> {
  const endpoints = listField(await (await ask(path)).json(), 'data')
  const text = () => (endpoints.length === 0 ? '' : formatTable(columns, endpoints, terminal.out))
  print(terminal, { json, value: endpoints, text })
  return 0
}

async function remove(id: string, ask: Ask, terminal: Terminal, { json }: Values): Promise<number> {
  const answer = await ask(`${path}/${encodeURIComponent(id)}`, { method: 'DELETE' })
  print(terminal, { json, value: await answer.json(), text: () => `${id} is deleted.` })
  return 0
}
