/**
 * `cfile link`: creates a signed link for people who have no key.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { isContainerId } from '../core/ids.ts'
import { type Command, defineCommand, print } from './command.ts'
import { numberField, openGateway, textField } from './gateway.ts'
import { formatDuration, parseDuration } from './text.ts'

/** `cfile link` */
export const linkCommand: Command = defineCommand({
  name: 'link',
  usage: 'ID',
  summary: 'Make a signed link to a file, or to the page or zip of a container',
  details:
    'Anyone who has the link can download without a key until it expires. It needs a gateway: set CFILE_URL.',
  arguments: [['ID', 'A file (cfile_…, file-…) or a container (cntr_…).']],
  options: {
    'expires-in': {
      type: 'string',
      short: 'e',
      value: 'TIME',
      help: 'How long it works: 45s, 30m, 1h, 7d, or seconds. By default CFILE_LINK_TTL of the gateway.',
    },
    container: { type: 'string', short: 'c', value: 'ID', help: 'The container of the file.' },
    filename: {
      type: 'string',
      value: 'NAME',
      help: 'The name under which browsers save the file.',
    },
    inline: { type: 'boolean', help: 'Let browsers show the file instead of saving it.' },
    zip: { type: 'boolean', help: 'For a container: link to a zip of all files, not to its page.' },
  },
  examples: [
    ['A link that works for a day', 'link cfile_68e9… --expires-in 1d'],
    ['A link to a zip of everything', 'link cntr_68e9… --zip'],
  ],
  takes: 'one',
  async run({ argument, values }, terminal) {
    if (!terminal.env.CFILE_URL) {
      throw new CfileError('invalid_request', 'A link leads to a gateway: set CFILE_URL to yours.')
    }
    const duration = values['expires-in']
    const expires_in = duration === undefined ? undefined : parseDuration('--expires-in', duration)
    const subject = isContainerId(argument)
      ? { container_id: argument, kind: values.zip ? 'zip' : 'page' }
      : {
          file_id: argument,
          container_id: values.container,
          disposition: values.inline ? 'inline' : undefined,
          filename: values.filename,
        }
    const ask = await openGateway(terminal)
    const answer = await ask('/links', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...subject, expires_in }),
    })
    const made: unknown = await answer.json()
    const left = (numberField(made, 'expires_at') ?? Number.NaN) - Date.now() / 1000
    const text = () => textField(made, 'download_url') ?? ''
    print(terminal, { json: values.json, value: made, text })
    if (terminal.err.isTerminal && left > 0) {
      terminal.err.write(`${terminal.err.paint('dim', `It works for ${formatDuration(left)}.`)}\n`)
    }
    return 0
  },
})
