/**
 * `cfile link`: a link to hand on.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { isContainerId } from '../core/ids.ts'
import { type Command, readArgs, UsageError } from './args.ts'
import { openGateway } from './gateway.ts'

/** `cfile link ID` */
export const linkCommand: Command = {
  usage: 'ID [--container ID] [--expires-in SECONDS] [--inline] [--filename NAME] [--zip]',
  summary: "sign a link to a file, or to a container's page or zip",
  async run(args) {
    const { argument, values } = readArgs(args, {
      container: { type: 'string' },
      'expires-in': { type: 'string' },
      inline: { type: 'boolean' },
      filename: { type: 'string' },
      zip: { type: 'boolean' },
    })
    if (!process.env.CFILE_URL) {
      throw new CfileError('invalid_request', 'A link leads to a gateway: set CFILE_URL to yours.')
    }
    const subject = isContainerId(argument)
      ? { container_id: argument, kind: values.zip ? 'zip' : 'page' }
      : {
          file_id: argument,
          container_id: values.container,
          disposition: values.inline ? 'inline' : undefined,
          filename: values.filename,
        }
    const ask = await openGateway(process.env)
    const answer = await ask('/links', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...subject, expires_in: readSeconds(values['expires-in']) }),
    })
    const { download_url } = (await answer.json()) as { download_url: string }
    process.stdout.write(`${download_url}\n`)
    return 0
  },
}

function readSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new UsageError('--expires-in takes a number of seconds.')
}
