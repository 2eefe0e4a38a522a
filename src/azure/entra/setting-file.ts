/**
 * What proves who we are, in a file that a setting names.
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import type { Means } from '../credentials.ts'

/** The text of a file, which is read each time: whoever renews it writes another into it now and then. */
export function settingFile(setting: string, path: string): (means: Means) => Promise<string> {
  return async ({ readFile }) => {
    if (readFile === undefined) {
      throw unreadable(setting, `This runtime has no files, so ${setting} is of no use here.`)
    }
    const text = await readFile(path).catch((cause) => {
      throw unreadable(setting, `The file in ${setting} could not be read.`, cause)
    })
    return text.trim()
  }
}

function unreadable(setting: string, message: string, cause?: unknown): CfileError {
  const hint = `Set ${setting} to a file that this process may read, or sign in with AZURE_CLIENT_SECRET or AZURE_OPENAI_API_KEY.`
  return new CfileError('upstream_auth', message, { hint, cause })
}
