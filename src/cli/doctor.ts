/**
 * `cfile doctor`: reads the settings as the server would, tries them, and says what to do about what is wrong.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { type CfileError, isCfileError } from '../core/errors.ts'
import { type Runtime, webRuntime } from '../runtime.ts'
import { refuseToBeOpen } from '../start/serve.ts'
import { parseEnv, type Settings } from '../start/settings.ts'
import { type Command, UsageError } from './args.ts'
import { examine, type Finding, failed } from './examine.ts'
import { examineCallers } from './examine-callers.ts'
import { examineStorage } from './examine-storage.ts'
import { formatFindings } from './table.ts'

/** What the doctor says, and whether anything is wrong. */
export interface Diagnosis {
  readonly text: string
  readonly isWell: boolean
}

/** `cfile doctor` */
export const doctorCommand: Command = {
  usage: '',
  summary: 'try the settings, and say what to do about what is wrong',
  async run(args) {
    if (args.length > 0) throw new UsageError('It takes no argument.')
    const { text, isWell } = await diagnose(process.env)
    process.stdout.write(text)
    return isWell ? 0 : 1
  },
}

type Env = Readonly<Record<string, string | undefined>>

/** Examines everything that an environment names. */
export async function diagnose(
  env: Env,
  runtime: Partial<Runtime> = {},
  width: number = process.stdout.columns ?? 100,
): Promise<Diagnosis> {
  const parts: { title: string; findings: readonly Finding[] }[] = []
  const settings = readSettings(env)
  if (isCfileError(settings)) {
    parts.push({ title: 'Settings', findings: [failed('settings', settings)] })
  } else {
    parts.push({ title: 'Settings', findings: settingsFindings(settings, env) })
    const means = { ...webRuntime, readFile: (path: string) => readFile(path, 'utf8'), ...runtime }
    for (const upstream of settings.upstreams) {
      const { name, endpoint } = upstream
      const where = typeof endpoint === 'string' ? endpoint : `${endpoint.kind} ${endpoint.base}`
      parts.push({ title: `Upstream ${name}: ${where}`, findings: await examine(upstream, means) })
    }
    parts.push({ title: 'Callers', findings: await examineCallers(settings.callers, means) })
    parts.push({ title: 'Store and archive', findings: await examineStorage(settings, means) })
  }
  const failures = parts
    .flatMap(({ findings }) => findings)
    .filter(({ state }) => state === 'failed')
  const end = failures.length === 0 ? 'All is well.' : `To mend: ${failures.length}.`
  const tables = parts.map(({ title, findings }) => `${title}\n${formatFindings(findings, width)}`)
  return { text: `${tables.join('\n')}\n${end}\n`, isWell: failures.length === 0 }
}

/** The settings, or why the server would not start with them. */
function readSettings(env: Env): Settings | CfileError {
  try {
    const settings = parseEnv(env)
    if (settings.upstreams.length > 0) refuseToBeOpen(settings)
    return settings
  } catch (error) {
    if (isCfileError(error)) return error
    throw error
  }
}

function settingsFindings({ upstreams, warnings }: Settings, env: Env): Finding[] {
  const read: Finding =
    upstreams.length > 0
      ? { state: 'ok', what: 'settings', found: 'read' }
      : {
          state: 'failed',
          what: 'settings',
          found: 'name no upstream, so that the built-in emulator would answer',
          cure: 'Set AZURE_OPENAI_ENDPOINT, and AZURE_OPENAI_API_KEY or an identity of Entra ID.',
        }
  const remarks = env.CFILE_URL
    ? [
        ...warnings,
        'CFILE_URL is for the other commands; what is tried here is this machine as a server.',
      ]
    : warnings
  return [read, ...remarks.map((found): Finding => ({ state: 'note', what: 'warning', found }))]
}
