/**
 * `cfile restore`: a new container with the archived files of one that is gone.
 *
 * @module
 */

import { type Command, readArgs } from './args.ts'
import { openGateway } from './gateway.ts'
import { align } from './table.ts'

interface Restored {
  readonly container_id: string
  readonly files: readonly {
    readonly file_id: string
    readonly path: string
    readonly bytes: number | null
  }[]
}

/** `cfile restore CONTAINER` */
export const restoreCommand: Command = {
  usage: 'CONTAINER [--json]',
  summary: 'make a new container with the archived files of one that is gone',
  async run(args) {
    const { argument: id, values } = readArgs(args, { json: { type: 'boolean' } })
    const ask = await openGateway(process.env)
    const answer = await ask(`/containers/${encodeURIComponent(id)}/restore`, { method: 'POST' })
    const restored = (await answer.json()) as Restored
    const rows = restored.files.map(({ path, bytes }) => [bytes ?? '-', path])
    const text = values.json
      ? JSON.stringify(restored, null, 2)
      : [restored.container_id, ...align(rows)].join('\n')
    process.stdout.write(`${text}\n`)
    return 0
  },
}
